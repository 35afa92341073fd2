// Package schema holds JSON Schemas (2020-12) of what people write and read, for editors that complete and check it:
// fragment.schema.json, recovery.schema.json (of a recovery entry's recovery.json) and config.schema.json (of
// sessionsync.yaml).
//
// They promise to say what the code does, and tests hold them to it: a fragment is valid by the schema exactly if
// fragment.Parse takes it, apart from what a schema cannot see (names that stand twice, half surrogate pairs, limits, integers of
// more than 309 digits, a value that is moved into itself). Every reject code and every member of an entry is in the second one. The third is made by
// [Config] from the keys of package config and the comments of config.example.yaml, so that a key is described in one place:
//
//	go generate ./schema
package schema

//go:generate go test . -run TestTheConfigSchemaIsUpToDate -update
