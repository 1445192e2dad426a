package record

import (
	"crypto/sha256"
	"encoding/json"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/server/access"
)

// expungeDoor is where the keys of requests stand: a Task that has one was made
// by this operation, and its first version says by whom.
const expungeDoor = "expunge"

// request writes the Task that a second person confirms.
func (e *expunge) request() error {
	if e.Reason = strings.TrimSpace(e.Reason); e.Reason == "" {
		return badExpunge("reason", "an erasure is asked for with a reason")
	}
	id, err := e.r.newID()
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{
		"resourceType": "Task", "id": id, "status": "requested", "intent": "order",
		"code":       map[string]any{"coding": []any{map[string]any{"system": "urn:tenon:record", "code": "expunge"}}},
		"focus":      e.focus(),
		"authoredOn": e.r.now().Format("2006-01-02T15:04:05.000Z07:00"),
		"requester":  agentOf(e.who)["who"],
		"reasonCode": map[string]any{"text": e.Reason},
		"input":      []any{map[string]any{"type": map[string]any{"text": "person"}, "valueString": personOf(e.who)}},
	})
	if err != nil {
		return err
	}
	owner := *e.who
	owner.Organization = e.owner // who reaches the one reaches the other
	e.submitted = true
	out, err := e.r.submit(e.ctx, &owner, &Draft{Door: "fhir", Operation: "expunge-request",
		Ops:  []Op{{Method: "PUT", Type: "Task", ID: id, Body: body}},
		Keys: []Key{{Door: expungeDoor, Key: id, Digest: sha256.Sum256([]byte(e.Type + "/" + e.ID)), Ref: "Task/" + id}},
	}, internal{trusted: true})
	if err != nil {
		return err
	}
	e.out.Task = out.Results[0].Version
	return nil
}

// focus names what is to be erased. A case is named by its identifier: a
// reference to its Task would make the request a part of it.
func (e *expunge) focus() map[string]any {
	if e.Type == "Task" && len(e.ended) > 0 {
		return map[string]any{"type": "Task", "identifier": map[string]any{"system": "urn:tenon:case", "value": e.ID}}
	}
	return map[string]any{"reference": e.Type + "/" + e.ID}
}

// personOf is the person behind the caller: two roles of one are one person.
func personOf(who *access.Context) string {
	if who.Person != "" {
		return who.Person
	}
	return who.Principal
}

// asked finds the request: its first version, as it was made, and its current
// one. What is no request for this resource reads as absent.
func (e *expunge) asked() (first tree.Node, current *Version, err error) {
	id, ok := strings.CutPrefix(e.Request, "Task/")
	if !ok || id == "" || strings.Contains(id, "/") {
		return first, nil, badExpunge("request", "it takes a reference to a Task")
	}
	key, err := e.r.o.Store.KeySeen(e.ctx, expungeDoor, id)
	if err != nil {
		return first, nil, err
	}
	if key == nil || key.Digest != sha256.Sum256([]byte(e.Type+"/"+e.ID)) {
		return first, nil, absent("Task", id)
	}
	if current, err = e.r.current(e.ctx, access.Everything{}, "Task", id); err != nil {
		return first, nil, err
	}
	made, err := e.r.o.Store.ReadVersion(e.ctx, access.Everything{}, "Task", id, 1)
	if err != nil {
		return first, nil, err
	}
	first, err = parsed(made.Body)
	return first, current, err
}

func badExpunge(name, why string) error {
	return issue.Errorf(issue.Invalid, "The parameter %s of $expunge cannot be honoured: %s.", name, why).
		WithStatus(400).At("Parameters.parameter[" + name + "]").Rule("expunge-input").Chinese("$expunge 的参数无效。")
}
