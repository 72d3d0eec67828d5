-- +goose Up
-- modify "audit_events" table
ALTER TABLE "audit_events" ADD COLUMN "tx" bigint NULL DEFAULT ((pg_current_xact_id())::text)::bigint;
-- create index "auditevent_company_id_tx_id" to table: "audit_events"
CREATE INDEX "auditevent_company_id_tx_id" ON "audit_events" ("company_id", "tx", "id");
