// Command mutate breaks what Tenon defines, one rule at a time, and demands that
// a test notices: it takes away each condition, signature, output, profile and
// order of the plans and each bound of the limits, and runs the tests that stand
// for them. (The assertions of the profiles are taken away by a test of the room
// profiles, TestEveryRuleIsProven.) A rule is killed when a
// subtest fails whose name carries the id of the requirement that the rule
// answers; what survives needs a reason in reasons.tsv. It never changes the
// repository's definitions: every mutant is a copy in a temporary folder.
//
//	go run ./test/mutate [-only implant] [-write conformance/results/mutate.tsv]
package main
