#!/bin/bash
# Runs once, when the database's container makes its cluster: the roles that the services sign in as, with the
# password of the secret. `penstock migrate` gives them their rights.
set -euo pipefail
password=$(cut -d: -f5 /run/secrets/pgpass | head -n 1)
for role in penstock_inventory penstock_orders penstock_fulfillment penstock_returns penstock_notify \
    penstock_gateway penstock_verify; do
    psql -v ON_ERROR_STOP=1 -v role="$role" -v password="$password" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', :'role', :'password') \gexec
SQL
done
