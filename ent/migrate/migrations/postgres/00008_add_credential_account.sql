-- +goose Up
-- modify "credentials" table
ALTER TABLE "credentials" ADD COLUMN "account_id" character varying NULL;
