"""The services' ports on SQLAlchemy Core: tables, transactions, the event log, migrations.

SQLite and PostgreSQL are served by one text.

No statement reaches a table without a tenant: repositories are made for one tenant and put it into every query. The
only exception is the directory of tenants itself.
"""
