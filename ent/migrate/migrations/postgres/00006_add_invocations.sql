-- +goose Up
-- create "invocations" table
CREATE TABLE "invocations" ("id" character varying NOT NULL, "company_id" character varying NOT NULL, "key_hash" character varying NOT NULL, "call_hash" character varying NOT NULL, "state" character varying NOT NULL, "error_code" character varying NULL, "created_at" timestamptz NOT NULL, "expires_at" timestamptz NOT NULL, "integration_id" character varying NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "invocations_integrations_invocations" FOREIGN KEY ("integration_id") REFERENCES "integrations" ("id") ON UPDATE NO ACTION ON DELETE CASCADE);
-- create index "invocation_company_id_integration_id_key_hash" to table: "invocations"
CREATE UNIQUE INDEX "invocation_company_id_integration_id_key_hash" ON "invocations" ("company_id", "integration_id", "key_hash");
-- create index "invocation_expires_at" to table: "invocations"
CREATE INDEX "invocation_expires_at" ON "invocations" ("expires_at");
-- create index "invocation_integration_id" to table: "invocations"
CREATE INDEX "invocation_integration_id" ON "invocations" ("integration_id");
