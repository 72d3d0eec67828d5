-- +goose Up
-- create "api_keys" table
CREATE TABLE `api_keys` (`id` text NOT NULL, `company_id` text NOT NULL, `name` text NOT NULL, `prefix` text NOT NULL, `hash` text NOT NULL, `scopes` json NOT NULL, `created_at` datetime NOT NULL, `last_used_at` datetime NULL, `expires_at` datetime NULL, `revoked_at` datetime NULL, PRIMARY KEY (`id`));
-- create index "apikey_hash" to table: "api_keys"
CREATE UNIQUE INDEX `apikey_hash` ON `api_keys` (`hash`);
-- create index "apikey_company_id_id" to table: "api_keys"
CREATE INDEX `apikey_company_id_id` ON `api_keys` (`company_id`, `id`);
-- create "audit_events" table
CREATE TABLE `audit_events` (`id` text NOT NULL, `company_id` text NOT NULL, `event_type` text NOT NULL, `timestamp` datetime NOT NULL, `actor` text NOT NULL, `user_id` text NULL, `integration_id` text NULL, `personality_id` text NULL, `conversation_id` text NULL, `details` json NOT NULL, `capability` text NULL, `query` text NULL, `succeeded` bool NOT NULL, `error_code` text NULL, `latency_ms` integer NULL, PRIMARY KEY (`id`));
-- create index "auditevent_company_id_id" to table: "audit_events"
CREATE INDEX `auditevent_company_id_id` ON `audit_events` (`company_id`, `id`);
-- create index "auditevent_company_id_timestamp" to table: "audit_events"
CREATE INDEX `auditevent_company_id_timestamp` ON `audit_events` (`company_id`, `timestamp`);
-- create index "auditevent_integration_id_id" to table: "audit_events"
CREATE INDEX `auditevent_integration_id_id` ON `audit_events` (`integration_id`, `id`);
-- create index "auditevent_user_id_id" to table: "audit_events"
CREATE INDEX `auditevent_user_id_id` ON `audit_events` (`user_id`, `id`);
-- create "companies" table
CREATE TABLE `companies` (`id` text NOT NULL, `name` text NOT NULL, `created_at` datetime NOT NULL, PRIMARY KEY (`id`));
-- create "company_sequences" table
CREATE TABLE `company_sequences` (`id` text NOT NULL, `health` integer NOT NULL DEFAULT (0), PRIMARY KEY (`id`));
-- create "connect_attempts" table
CREATE TABLE `connect_attempts` (`id` text NOT NULL, `company_id` text NOT NULL, `user_id` text NULL, `provider` text NOT NULL, `integration_id` text NULL, `state_hash` text NOT NULL, `verifier` blob NULL, `redirect_url` text NOT NULL, `own_page` bool NOT NULL, `browser_hash` text NULL, `scopes` json NOT NULL, `config` json NOT NULL, `secrets` blob NULL, `name` text NULL, `accept_other_account` bool NOT NULL DEFAULT (false), `client_id` text NOT NULL, `status` text NOT NULL, `failure_code` text NULL, `failure_message` text NULL, `created_at` datetime NOT NULL, `expires_at` datetime NOT NULL, `taken_at` datetime NULL, PRIMARY KEY (`id`));
-- create index "connectattempt_state_hash" to table: "connect_attempts"
CREATE UNIQUE INDEX `connectattempt_state_hash` ON `connect_attempts` (`state_hash`);
-- create index "connectattempt_expires_at" to table: "connect_attempts"
CREATE INDEX `connectattempt_expires_at` ON `connect_attempts` (`expires_at`);
-- create index "connectattempt_company_id_id" to table: "connect_attempts"
CREATE INDEX `connectattempt_company_id_id` ON `connect_attempts` (`company_id`, `id`);
-- create "credentials" table
CREATE TABLE `credentials` (`id` text NOT NULL, `company_id` text NOT NULL, `integration_id` text NULL, `user_id` text NULL, `provider` text NOT NULL, `auth_kind` text NOT NULL, `state` text NOT NULL, `client_id` text NULL, `access_token` blob NULL, `refresh_token` blob NULL, `secrets` blob NULL, `token_type` text NOT NULL DEFAULT (''), `scopes` json NOT NULL, `expires_at` datetime NULL, `lifetime_seconds` integer NOT NULL DEFAULT (0), `refreshed_at` datetime NULL, `generation` integer NOT NULL DEFAULT (1), `lease_owner` text NULL, `lease_until` datetime NULL, `failures` integer NOT NULL DEFAULT (0), `next_attempt_at` datetime NULL, `refresh_at` datetime NULL, `ending_since` datetime NULL, `created_at` datetime NOT NULL, `updated_at` datetime NOT NULL, PRIMARY KEY (`id`));
-- create index "credential_company_id_integration_id" to table: "credentials"
CREATE UNIQUE INDEX `credential_company_id_integration_id` ON `credentials` (`company_id`, `integration_id`);
-- create index "credential_integration_id" to table: "credentials"
CREATE INDEX `credential_integration_id` ON `credentials` (`integration_id`);
-- create index "credential_state_next_attempt_at" to table: "credentials"
CREATE INDEX `credential_state_next_attempt_at` ON `credentials` (`state`, `next_attempt_at`);
-- create index "credential_refresh_at" to table: "credentials"
CREATE INDEX `credential_refresh_at` ON `credentials` (`refresh_at`);
-- create "health_changes" table
CREATE TABLE `health_changes` (`id` text NOT NULL, `company_id` text NOT NULL, `seq` integer NOT NULL, `kind` text NOT NULL, `integration_id` text NOT NULL, `user_id` text NULL, `provider` text NOT NULL, `previous_status` text NULL, `status` text NOT NULL, `reason` text NOT NULL, `health` json NOT NULL, `occurred_at` datetime NOT NULL, PRIMARY KEY (`id`));
-- create index "healthchange_company_id_seq" to table: "health_changes"
CREATE UNIQUE INDEX `healthchange_company_id_seq` ON `health_changes` (`company_id`, `seq`);
-- create index "healthchange_integration_id_id" to table: "health_changes"
CREATE INDEX `healthchange_integration_id_id` ON `health_changes` (`integration_id`, `id`);
-- create index "healthchange_occurred_at" to table: "health_changes"
CREATE INDEX `healthchange_occurred_at` ON `health_changes` (`occurred_at`);
-- create "integrations" table
CREATE TABLE `integrations` (`id` text NOT NULL, `company_id` text NOT NULL, `provider` text NOT NULL, `auth_kind` text NOT NULL, `name` text NOT NULL, `enabled` bool NOT NULL DEFAULT (true), `visibility` text NOT NULL DEFAULT ('PRIVATE'), `personality_id` text NULL, `scopes` json NOT NULL, `account_id` text NULL, `account_name` text NULL, `config` json NOT NULL, `secret_names` json NOT NULL, `connected_at` datetime NULL, `last_used_at` datetime NULL, `created_at` datetime NOT NULL, `updated_at` datetime NOT NULL, `health_status` text NOT NULL, `health_reason` text NOT NULL, `health_message` text NULL, `health_action` text NOT NULL, `health_checked_at` datetime NULL, `last_succeeded_at` datetime NULL, `token_expires_at` datetime NULL, `stale_at` datetime NULL, `failed_probes` integer NOT NULL DEFAULT (0), `next_probe_at` datetime NULL, `user_id` text NULL, PRIMARY KEY (`id`), CONSTRAINT `integrations_users_integrations` FOREIGN KEY (`user_id`) REFERENCES `users` (`id`) ON DELETE CASCADE);
-- create index "integration_company_id_id" to table: "integrations"
CREATE INDEX `integration_company_id_id` ON `integrations` (`company_id`, `id`);
-- create index "integration_user_id_id" to table: "integrations"
CREATE INDEX `integration_user_id_id` ON `integrations` (`user_id`, `id`);
-- create index "integration_company_id_provider_id" to table: "integrations"
CREATE INDEX `integration_company_id_provider_id` ON `integrations` (`company_id`, `provider`, `id`);
-- create index "integration_next_probe_at" to table: "integrations"
CREATE INDEX `integration_next_probe_at` ON `integrations` (`next_probe_at`);
-- create "personalities" table
CREATE TABLE `personalities` (`id` text NOT NULL, `company_id` text NOT NULL, `name` text NOT NULL, `description` text NOT NULL DEFAULT (''), `created_at` datetime NOT NULL, `updated_at` datetime NOT NULL, PRIMARY KEY (`id`));
-- create index "personality_company_id_id" to table: "personalities"
CREATE INDEX `personality_company_id_id` ON `personalities` (`company_id`, `id`);
-- create "personality_accesses" table
CREATE TABLE `personality_accesses` (`id` text NOT NULL, `company_id` text NOT NULL, `allowed` bool NOT NULL, `integration_id` text NOT NULL, `personality_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `personality_accesses_integrations_access` FOREIGN KEY (`integration_id`) REFERENCES `integrations` (`id`) ON DELETE CASCADE, CONSTRAINT `personality_accesses_personalities_personality` FOREIGN KEY (`personality_id`) REFERENCES `personalities` (`id`) ON DELETE CASCADE);
-- create index "personalityaccess_company_id_integration_id_personality_id" to table: "personality_accesses"
CREATE UNIQUE INDEX `personalityaccess_company_id_integration_id_personality_id` ON `personality_accesses` (`company_id`, `integration_id`, `personality_id`);
-- create "usage_counters" table
CREATE TABLE `usage_counters` (`id` text NOT NULL, `company_id` text NOT NULL, `day` text NOT NULL, `queries` integer NOT NULL DEFAULT (0), `integration_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `usage_counters_integrations_usage` FOREIGN KEY (`integration_id`) REFERENCES `integrations` (`id`) ON DELETE CASCADE);
-- create index "usagecounter_company_id_integration_id_day" to table: "usage_counters"
CREATE UNIQUE INDEX `usagecounter_company_id_integration_id_day` ON `usage_counters` (`company_id`, `integration_id`, `day`);
-- create index "usagecounter_integration_id" to table: "usage_counters"
CREATE INDEX `usagecounter_integration_id` ON `usage_counters` (`integration_id`);
-- create "users" table
CREATE TABLE `users` (`id` text NOT NULL, `company_id` text NOT NULL, `external_id` text NULL, `metadata` json NOT NULL, `created_at` datetime NOT NULL, `updated_at` datetime NOT NULL, PRIMARY KEY (`id`));
-- create index "user_company_id_external_id" to table: "users"
CREATE UNIQUE INDEX `user_company_id_external_id` ON `users` (`company_id`, `external_id`);
-- create index "user_company_id_id" to table: "users"
CREATE INDEX `user_company_id_id` ON `users` (`company_id`, `id`);
-- create index "user_company_id_created_at" to table: "users"
CREATE INDEX `user_company_id_created_at` ON `users` (`company_id`, `created_at`);
-- create index "user_metadata" to table: "users"
CREATE INDEX `user_metadata` ON `users` (`metadata`);
