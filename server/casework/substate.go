package casework

import (
	"slices"

	"tenon/fhir/tree"
)

// Substate is where a stage stands: Task.businessStatus, a code of
// urn:tenon:substate, and the Task.status that goes with it
// (mission/stages.md §1.2).
type Substate string

// The sub-states of every stage.
const (
	HandedOver       Substate = "handed-over"
	Received         Substate = "received"
	JudgedConform    Substate = "judged-conform"
	JudgedNonconform Substate = "judged-nonconform"
	Accepted         Substate = "accepted"
	Returned         Substate = "returned"
	Working          Substate = "working"
	ChangePending    Substate = "change-pending"
	Nonconformity    Substate = "nonconformity"
	Completed        Substate = "completed"
	Failed           Substate = "failed"
	Cancelled        Substate = "cancelled"
)

// statusOf is the Task.status of each sub-state.
var statusOf = map[Substate]string{
	HandedOver: "requested", Received: "received", JudgedConform: "received", JudgedNonconform: "received",
	Accepted: "accepted", Returned: "rejected", Working: "in-progress", ChangePending: "on-hold",
	Nonconformity: "on-hold", Completed: "completed", Failed: "failed", Cancelled: "cancelled",
}

// next lists where a person may move a stage from each sub-state. What is absent
// is done: the server alone puts a stage on hold, cancels it or opens it anew.
var next = map[Substate][]Substate{
	HandedOver:       {Received},
	Received:         {JudgedConform, JudgedNonconform, Accepted, Returned},
	JudgedConform:    {Accepted, Returned},
	JudgedNonconform: {Returned},
	Accepted:         {Working},
	Working:          {Completed, Failed},
	ChangePending:    {Working},
	Nonconformity:    {Working},
}

// substateOf reads the sub-state of a Task; "" when businessStatus has none or
// does not go with status.
func substateOf(task tree.Node) Substate {
	s := Substate(codeOf(task.Field("businessStatus"), systemSubstate))
	if statusOf[s] == "" || statusOf[s] != task.Field("status").Str() {
		return ""
	}
	return s
}

// open tells whether a stage still can move.
func (s Substate) open() bool { return len(next[s]) > 0 }

// allows tells whether a person may move a stage from s to t.
func (s Substate) allows(t Substate) bool { return slices.Contains(next[s], t) }
