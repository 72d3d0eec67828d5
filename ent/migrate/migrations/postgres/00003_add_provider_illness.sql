-- +goose Up
-- modify "integrations" table
ALTER TABLE "integrations" ADD COLUMN "probed_at" timestamptz NULL;
-- create index "integration_probed_at" to table: "integrations"
CREATE INDEX "integration_probed_at" ON "integrations" ("probed_at");
-- create "provider_illnesses" table
CREATE TABLE "provider_illnesses" ("id" character varying NOT NULL, "company_id" character varying NOT NULL, "provider" character varying NOT NULL, "began_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
-- create index "providerillness_company_id_provider" to table: "provider_illnesses"
CREATE UNIQUE INDEX "providerillness_company_id_provider" ON "provider_illnesses" ("company_id", "provider");
