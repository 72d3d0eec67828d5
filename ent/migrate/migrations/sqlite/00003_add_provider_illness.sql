-- +goose Up
-- add column "probed_at" to table: "integrations"
ALTER TABLE `integrations` ADD COLUMN `probed_at` datetime NULL;
-- create index "integration_probed_at" to table: "integrations"
CREATE INDEX `integration_probed_at` ON `integrations` (`probed_at`);
-- create "provider_illnesses" table
CREATE TABLE `provider_illnesses` (`id` text NOT NULL, `company_id` text NOT NULL, `provider` text NOT NULL, `began_at` datetime NOT NULL, PRIMARY KEY (`id`));
-- create index "providerillness_company_id_provider" to table: "provider_illnesses"
CREATE UNIQUE INDEX `providerillness_company_id_provider` ON `provider_illnesses` (`company_id`, `provider`);
