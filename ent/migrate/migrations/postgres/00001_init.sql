-- +goose Up
-- create "api_keys" table
CREATE TABLE "api_keys" ("id" character varying NOT NULL, "company_id" character varying NOT NULL, "name" character varying NOT NULL, "prefix" character varying NOT NULL, "hash" character varying NOT NULL, "scopes" jsonb NOT NULL, "created_at" timestamptz NOT NULL, "last_used_at" timestamptz NULL, "expires_at" timestamptz NULL, "revoked_at" timestamptz NULL, PRIMARY KEY ("id"));
-- create index "apikey_company_id_id" to table: "api_keys"
CREATE INDEX "apikey_company_id_id" ON "api_keys" ("company_id", "id");
-- create index "apikey_hash" to table: "api_keys"
CREATE UNIQUE INDEX "apikey_hash" ON "api_keys" ("hash");
-- create "audit_events" table
CREATE TABLE "audit_events" ("id" character varying NOT NULL, "company_id" character varying NOT NULL, "event_type" character varying NOT NULL, "timestamp" timestamptz NOT NULL, "actor" character varying NOT NULL, "user_id" character varying NULL, "integration_id" character varying NULL, "personality_id" character varying NULL, "conversation_id" character varying NULL, "details" jsonb NOT NULL, "capability" character varying NULL, "query" text NULL, "succeeded" boolean NOT NULL, "error_code" character varying NULL, "latency_ms" bigint NULL, PRIMARY KEY ("id"));
-- create index "auditevent_company_id_id" to table: "audit_events"
CREATE INDEX "auditevent_company_id_id" ON "audit_events" ("company_id", "id");
-- create index "auditevent_company_id_timestamp" to table: "audit_events"
CREATE INDEX "auditevent_company_id_timestamp" ON "audit_events" ("company_id", "timestamp");
-- create index "auditevent_integration_id_id" to table: "audit_events"
CREATE INDEX "auditevent_integration_id_id" ON "audit_events" ("integration_id", "id");
-- create index "auditevent_user_id_id" to table: "audit_events"
CREATE INDEX "auditevent_user_id_id" ON "audit_events" ("user_id", "id");
-- create "companies" table
CREATE TABLE "companies" ("id" character varying NOT NULL, "name" character varying NOT NULL, "created_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
-- create "company_sequences" table
CREATE TABLE "company_sequences" ("id" character varying NOT NULL, "health" bigint NOT NULL DEFAULT 0, PRIMARY KEY ("id"));
-- create "connect_attempts" table
CREATE TABLE "connect_attempts" ("id" character varying NOT NULL, "company_id" character varying NOT NULL, "user_id" character varying NULL, "provider" character varying NOT NULL, "integration_id" character varying NULL, "state_hash" character varying NOT NULL, "verifier" bytea NULL, "redirect_url" character varying NOT NULL, "own_page" boolean NOT NULL, "browser_hash" character varying NULL, "scopes" jsonb NOT NULL, "config" jsonb NOT NULL, "secrets" bytea NULL, "name" character varying NULL, "accept_other_account" boolean NOT NULL DEFAULT false, "client_id" character varying NOT NULL, "status" character varying NOT NULL, "failure_code" character varying NULL, "failure_message" character varying NULL, "created_at" timestamptz NOT NULL, "expires_at" timestamptz NOT NULL, "taken_at" timestamptz NULL, PRIMARY KEY ("id"));
-- create index "connectattempt_company_id_id" to table: "connect_attempts"
CREATE INDEX "connectattempt_company_id_id" ON "connect_attempts" ("company_id", "id");
-- create index "connectattempt_expires_at" to table: "connect_attempts"
CREATE INDEX "connectattempt_expires_at" ON "connect_attempts" ("expires_at");
-- create index "connectattempt_state_hash" to table: "connect_attempts"
CREATE UNIQUE INDEX "connectattempt_state_hash" ON "connect_attempts" ("state_hash");
-- create "credentials" table
CREATE TABLE "credentials" ("id" character varying NOT NULL, "company_id" character varying NOT NULL, "integration_id" character varying NULL, "user_id" character varying NULL, "provider" character varying NOT NULL, "auth_kind" character varying NOT NULL, "state" character varying NOT NULL, "client_id" character varying NULL, "access_token" bytea NULL, "refresh_token" bytea NULL, "secrets" bytea NULL, "token_type" character varying NOT NULL DEFAULT '', "scopes" jsonb NOT NULL, "expires_at" timestamptz NULL, "lifetime_seconds" bigint NOT NULL DEFAULT 0, "refreshed_at" timestamptz NULL, "generation" bigint NOT NULL DEFAULT 1, "lease_owner" character varying NULL, "lease_until" timestamptz NULL, "failures" bigint NOT NULL DEFAULT 0, "next_attempt_at" timestamptz NULL, "refresh_at" timestamptz NULL, "ending_since" timestamptz NULL, "created_at" timestamptz NOT NULL, "updated_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
-- create index "credential_company_id_integration_id" to table: "credentials"
CREATE UNIQUE INDEX "credential_company_id_integration_id" ON "credentials" ("company_id", "integration_id");
-- create index "credential_integration_id" to table: "credentials"
CREATE INDEX "credential_integration_id" ON "credentials" ("integration_id");
-- create index "credential_refresh_at" to table: "credentials"
CREATE INDEX "credential_refresh_at" ON "credentials" ("refresh_at");
-- create index "credential_state_next_attempt_at" to table: "credentials"
CREATE INDEX "credential_state_next_attempt_at" ON "credentials" ("state", "next_attempt_at");
-- create "health_changes" table
CREATE TABLE "health_changes" ("id" character varying NOT NULL, "company_id" character varying NOT NULL, "seq" bigint NOT NULL, "kind" character varying NOT NULL, "integration_id" character varying NOT NULL, "user_id" character varying NULL, "provider" character varying NOT NULL, "previous_status" character varying NULL, "status" character varying NOT NULL, "reason" character varying NOT NULL, "health" jsonb NOT NULL, "occurred_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
-- create index "healthchange_company_id_seq" to table: "health_changes"
CREATE UNIQUE INDEX "healthchange_company_id_seq" ON "health_changes" ("company_id", "seq");
-- create index "healthchange_integration_id_id" to table: "health_changes"
CREATE INDEX "healthchange_integration_id_id" ON "health_changes" ("integration_id", "id");
-- create index "healthchange_occurred_at" to table: "health_changes"
CREATE INDEX "healthchange_occurred_at" ON "health_changes" ("occurred_at");
-- create "users" table
CREATE TABLE "users" ("id" character varying NOT NULL, "company_id" character varying NOT NULL, "external_id" character varying NULL, "metadata" jsonb NOT NULL, "created_at" timestamptz NOT NULL, "updated_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
-- create index "user_company_id_created_at" to table: "users"
CREATE INDEX "user_company_id_created_at" ON "users" ("company_id", "created_at");
-- create index "user_company_id_external_id" to table: "users"
CREATE UNIQUE INDEX "user_company_id_external_id" ON "users" ("company_id", "external_id");
-- create index "user_company_id_id" to table: "users"
CREATE INDEX "user_company_id_id" ON "users" ("company_id", "id");
-- create index "user_metadata" to table: "users"
CREATE INDEX "user_metadata" ON "users" USING gin ("metadata" jsonb_path_ops);
-- create "integrations" table
CREATE TABLE "integrations" ("id" character varying NOT NULL, "company_id" character varying NOT NULL, "provider" character varying NOT NULL, "auth_kind" character varying NOT NULL, "name" character varying NOT NULL, "enabled" boolean NOT NULL DEFAULT true, "visibility" character varying NOT NULL DEFAULT 'PRIVATE', "personality_id" character varying NULL, "scopes" jsonb NOT NULL, "account_id" character varying NULL, "account_name" character varying NULL, "config" jsonb NOT NULL, "secret_names" jsonb NOT NULL, "connected_at" timestamptz NULL, "last_used_at" timestamptz NULL, "created_at" timestamptz NOT NULL, "updated_at" timestamptz NOT NULL, "health_status" character varying NOT NULL, "health_reason" character varying NOT NULL, "health_message" character varying NULL, "health_action" character varying NOT NULL, "health_checked_at" timestamptz NULL, "last_succeeded_at" timestamptz NULL, "token_expires_at" timestamptz NULL, "stale_at" timestamptz NULL, "failed_probes" bigint NOT NULL DEFAULT 0, "next_probe_at" timestamptz NULL, "user_id" character varying NULL, PRIMARY KEY ("id"), CONSTRAINT "integrations_users_integrations" FOREIGN KEY ("user_id") REFERENCES "users" ("id") ON UPDATE NO ACTION ON DELETE CASCADE);
-- create index "integration_company_id_id" to table: "integrations"
CREATE INDEX "integration_company_id_id" ON "integrations" ("company_id", "id");
-- create index "integration_company_id_provider_id" to table: "integrations"
CREATE INDEX "integration_company_id_provider_id" ON "integrations" ("company_id", "provider", "id");
-- create index "integration_next_probe_at" to table: "integrations"
CREATE INDEX "integration_next_probe_at" ON "integrations" ("next_probe_at");
-- create index "integration_user_id_id" to table: "integrations"
CREATE INDEX "integration_user_id_id" ON "integrations" ("user_id", "id");
-- create "personalities" table
CREATE TABLE "personalities" ("id" character varying NOT NULL, "company_id" character varying NOT NULL, "name" character varying NOT NULL, "description" text NOT NULL DEFAULT '', "created_at" timestamptz NOT NULL, "updated_at" timestamptz NOT NULL, PRIMARY KEY ("id"));
-- create index "personality_company_id_id" to table: "personalities"
CREATE INDEX "personality_company_id_id" ON "personalities" ("company_id", "id");
-- create "personality_accesses" table
CREATE TABLE "personality_accesses" ("id" character varying NOT NULL, "company_id" character varying NOT NULL, "allowed" boolean NOT NULL, "integration_id" character varying NOT NULL, "personality_id" character varying NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "personality_accesses_integrations_access" FOREIGN KEY ("integration_id") REFERENCES "integrations" ("id") ON UPDATE NO ACTION ON DELETE CASCADE, CONSTRAINT "personality_accesses_personalities_personality" FOREIGN KEY ("personality_id") REFERENCES "personalities" ("id") ON UPDATE NO ACTION ON DELETE CASCADE);
-- create index "personalityaccess_company_id_integration_id_personality_id" to table: "personality_accesses"
CREATE UNIQUE INDEX "personalityaccess_company_id_integration_id_personality_id" ON "personality_accesses" ("company_id", "integration_id", "personality_id");
-- create "usage_counters" table
CREATE TABLE "usage_counters" ("id" character varying NOT NULL, "company_id" character varying NOT NULL, "day" character varying NOT NULL, "queries" bigint NOT NULL DEFAULT 0, "integration_id" character varying NOT NULL, PRIMARY KEY ("id"), CONSTRAINT "usage_counters_integrations_usage" FOREIGN KEY ("integration_id") REFERENCES "integrations" ("id") ON UPDATE NO ACTION ON DELETE CASCADE);
-- create index "usagecounter_company_id_integration_id_day" to table: "usage_counters"
CREATE UNIQUE INDEX "usagecounter_company_id_integration_id_day" ON "usage_counters" ("company_id", "integration_id", "day");
-- create index "usagecounter_integration_id" to table: "usage_counters"
CREATE INDEX "usagecounter_integration_id" ON "usage_counters" ("integration_id");
