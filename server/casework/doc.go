// Package casework decides: which stage may move, which gate is open, who sees
// what of a case. It is pure. Its input is an immutable snapshot of one case,
// its output a decision with the reasons; record loads the one and carries out
// the other. The process itself is data: a PlanDefinition (design law 3), which
// this room compiles and checks before it runs a case on it.
//
// One stage is one Task with partOf the root Task of the case. Its sub-state is
// Task.status and Task.businessStatus together:
//
//	requested ── received ──┬── judged-conform ── accepted ── working ──┬── completed
//	(handed-over)           │   (principals, after a signed             ├── failed
//	                        │    judgement of each predecessor)         └── on-hold ── working
//	                        └── returned (rejected, with a reason)
//
// Only the server makes stage Tasks. Completing a stage makes its successors;
// rejecting or failing one makes a new Task of the stage that the plan names,
// and what was built on the old one counts as not done until it is done again.
//
// The room never reads a clock, a file or a network, never trusts a Provenance
// that a client wrote (Snapshot.Signatures is what $sign made), and never takes
// an error, an empty or a non-boolean result for a yes (design law 5).
package casework
