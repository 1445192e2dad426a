package casework_test

import "testing"

// TestOperationsOfTheStageInForce: what a production that was opened anew left
// behind does not stand against the release of the next.
func TestOperationsOfTheStageInForce(t *testing.T) {
	w := stop(t, "S11 working")
	stale := obj{"resourceType": "Task", "id": "stale", "status": "completed", "intent": "order", "partOf": arr{ref("Task/old-production")}, "code": concept("urn:tenon:operation", "cleaning")}
	t.Run("R001-161 an operation of an overtaken production", func(t *testing.T) {
		w := w.at(t)
		w.lay(stale, prod.Principal)
		w.must(prod, w.set("S11", prod, "completed", "completed"))
	})
	t.Run("R001-161 an operation of this production", func(t *testing.T) {
		w := w.at(t)
		stale["partOf"] = arr{ref(w.task("S11"))}
		w.lay(stale, prod.Principal)
		refused(t, w.write(prod, w.set("S11", prod, "completed", "completed")), 422, "G-RELEASE", "operations-documented", "R001-161")
	})
}
