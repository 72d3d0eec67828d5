-- +goose Up
-- add column "config" to table: "credentials"
ALTER TABLE `credentials` ADD COLUMN `config` json NULL;
