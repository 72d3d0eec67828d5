-- +goose Up
-- add column "revision" to table: "integrations"
ALTER TABLE `integrations` ADD COLUMN `revision` integer NOT NULL DEFAULT 1;
