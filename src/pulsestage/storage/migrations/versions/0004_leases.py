"""Jobs that one instance does for all."""

import sqlalchemy as sa
from alembic import op

tolerated_from = "0001"


def upgrade() -> None:
    op.create_table(
        "leases",
        sa.Column("job", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=36), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("job", name="pk_leases"),
    )
