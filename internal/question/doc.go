// Package question reads a plain question ("emails from Sarah about the budget last week, unread").
package question
