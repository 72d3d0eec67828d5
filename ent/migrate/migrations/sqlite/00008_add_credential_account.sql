-- +goose Up
-- add column "account_id" to table: "credentials"
ALTER TABLE `credentials` ADD COLUMN `account_id` text NULL;
