-- +goose Up
-- modify "credentials" table
ALTER TABLE "credentials" ADD COLUMN "config" jsonb NULL;
