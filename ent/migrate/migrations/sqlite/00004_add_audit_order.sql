-- +goose NO TRANSACTION
-- +goose Up
-- disable the enforcement of foreign-keys constraints
PRAGMA foreign_keys = off;
BEGIN IMMEDIATE;
-- create "new_audit_events" table
CREATE TABLE `new_audit_events` (`id` text NOT NULL, `company_id` text NOT NULL, `event_type` text NOT NULL, `timestamp` datetime NOT NULL, `actor` text NOT NULL, `user_id` text NULL, `integration_id` text NULL, `personality_id` text NULL, `conversation_id` text NULL, `details` json NOT NULL, `capability` text NULL, `query` text NULL, `succeeded` bool NOT NULL, `error_code` text NULL, `latency_ms` integer NULL, `tx` integer NULL, PRIMARY KEY (`id`));
-- copy rows from old table "audit_events" to new temporary table "new_audit_events"
INSERT INTO `new_audit_events` (`id`, `company_id`, `event_type`, `timestamp`, `actor`, `user_id`, `integration_id`, `personality_id`, `conversation_id`, `details`, `capability`, `query`, `succeeded`, `error_code`, `latency_ms`) SELECT `id`, `company_id`, `event_type`, `timestamp`, `actor`, `user_id`, `integration_id`, `personality_id`, `conversation_id`, `details`, `capability`, `query`, `succeeded`, `error_code`, `latency_ms` FROM `audit_events`;
-- drop "audit_events" table after copying rows
DROP TABLE `audit_events`;
-- rename temporary table "new_audit_events" to "audit_events"
ALTER TABLE `new_audit_events` RENAME TO `audit_events`;
-- create index "auditevent_company_id_id" to table: "audit_events"
CREATE INDEX `auditevent_company_id_id` ON `audit_events` (`company_id`, `id`);
-- create index "auditevent_company_id_timestamp" to table: "audit_events"
CREATE INDEX `auditevent_company_id_timestamp` ON `audit_events` (`company_id`, `timestamp`);
-- create index "auditevent_integration_id_id" to table: "audit_events"
CREATE INDEX `auditevent_integration_id_id` ON `audit_events` (`integration_id`, `id`);
-- create index "auditevent_user_id_id" to table: "audit_events"
CREATE INDEX `auditevent_user_id_id` ON `audit_events` (`user_id`, `id`);
-- create index "auditevent_company_id_tx_id" to table: "audit_events"
CREATE INDEX `auditevent_company_id_tx_id` ON `audit_events` (`company_id`, `tx`, `id`);
-- enable back the enforcement of foreign-keys constraints
COMMIT;
PRAGMA foreign_keys = on;
