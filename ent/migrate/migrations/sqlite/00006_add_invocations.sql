-- +goose Up
-- create "invocations" table
CREATE TABLE `invocations` (`id` text NOT NULL, `company_id` text NOT NULL, `key_hash` text NOT NULL, `call_hash` text NOT NULL, `state` text NOT NULL, `error_code` text NULL, `created_at` datetime NOT NULL, `expires_at` datetime NOT NULL, `integration_id` text NOT NULL, PRIMARY KEY (`id`), CONSTRAINT `invocations_integrations_invocations` FOREIGN KEY (`integration_id`) REFERENCES `integrations` (`id`) ON DELETE CASCADE);
-- create index "invocation_company_id_integration_id_key_hash" to table: "invocations"
CREATE UNIQUE INDEX `invocation_company_id_integration_id_key_hash` ON `invocations` (`company_id`, `integration_id`, `key_hash`);
-- create index "invocation_integration_id" to table: "invocations"
CREATE INDEX `invocation_integration_id` ON `invocations` (`integration_id`);
-- create index "invocation_expires_at" to table: "invocations"
CREATE INDEX `invocation_expires_at` ON `invocations` (`expires_at`);
