// Package casewalk is an independent witness of the processes: a small model of
// stages, documents, signatures and gates, written as data from the description
// of the process and the public protocol (profiles/implant/README.md) alone, and
// a random walk that drives a whole server through its public doors beside it.
//
//	choose a step ─▶ the model says what must happen ─▶ the server answers
//	     ▲                                                   │
//	     └──── $case and Tasks compared with the model ◀─────┘
//
// A step is legal, illegal, or open where the description is silent; of an open
// one the model follows the server. What the server does otherwise than the
// model says ends the walk with a trace, shrunk to the steps that matter.
//
// The room reads no plan and no decision of the server's: where both came from
// one mind, they would err together. It is for tests only.
package casewalk
