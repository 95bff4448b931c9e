"""The import-linter contract type `only`: packages that may import nothing from outside but what is listed.

import-linter's own `forbidden` names what may not be imported, and so lets through whatever is added later.
"""

import sys
from typing import Any, cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class OnlyContract(Contract):
    """Checks what `modules` and all below them import from outside the project.

    Options: `modules`; `allowed`, the top-level names that may be imported; `standard_library`, whether all of that
    may be imported too (default: no). Imports inside the project are another contract's business.
    """

    type_name = "only"

    modules = fields.ListField(subfield=fields.ModuleField())
    allowed = fields.SetField(subfield=fields.StringField())
    standard_library = fields.BooleanField(required=False, default=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002, FBT001 - import-linter's signature
        # import-linter's fields are class attributes that an instance replaces by plain values; no type says so.
        options = cast("Any", self)
        allowed = options.allowed | (sys.stdlib_module_names if options.standard_library else set())
        offences = [
            f"{importer} imports {imported}"
            for package in options.modules
            for importer in sorted({package.name, *graph.find_descendants(package.name)})
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if graph.is_module_squashed(imported) and imported.partition(".")[0] not in allowed
        ]
        return ContractCheck(kept=not offences, metadata={"offences": offences})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for offence in check.metadata["offences"]:
            output.print_error(offence)
