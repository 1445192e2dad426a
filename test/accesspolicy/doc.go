// Package accesspolicy holds the server to its access policy. A random world of
// hospitals, manufacturers, patients, machines, apps and cases is asked at random,
// over HTTP, and each answer is compared with a naive evaluation of the policy:
// plain loops over plain structs, written from the words of the policy and not
// from the predicate of server/access. What it never does: use that predicate.
package accesspolicy
