package graph

//go:generate go tool -C .. gqlgen generate
//go:generate go run ./generated/nodefer
