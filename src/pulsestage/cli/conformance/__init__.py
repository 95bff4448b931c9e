"""`pulsestage conformance`: whether a server keeps the contract of `docs/streams.md` and `docs/api.md`.

It looks from outside, as a client does, and at bytes rather than at what a forgiving parser makes of them. So nothing
here may import the server: `wire` and `stream` read, `guest` changes things, `checks` has one function per rule,
`suite` runs them, `report` shows what came of it.
"""
