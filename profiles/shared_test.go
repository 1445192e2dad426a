package profiles_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"
)

// The reasons why a rule of both plans is worded otherwise in each.
const (
	acquired  = "a stump is acquired by scan, cast or measure: the acquisition stands where the study of an implant does"
	surfaced  = "a socket's design has a surface model beside the solid one (003 5.2.2)"
	assembled = "the prosthesis is assembled from parts; what bears label and list is the whole (003 3.1)"
	narrowed  = "003 asks for other parts, parameters or steps of the same kind"
)

// otherwise are the rules that both plans name by the same id and yet say
// differently, each with the reason.
var otherwise = map[string]string{
	"consent-before-examination": acquired, "image-age": acquired, "images-anew": acquired, "input-of-lesion": acquired, "label-dates": acquired,
	"protocol-limits":        "judged where CT or MRI was used",
	"output-confidentiality": surfaced, "output-files-intact": surfaced, "output-list-files": surfaced, "output-of-patient": surfaced, "tool-chain": surfaced,
	"delivered-device": assembled, "label-content": assembled, "device-unique-code": "003 5.4.1 asks for it again (R003-049)",
	"input-sections": narrowed, "scheme-sections": narrowed, "order-domain": narrowed, "order-parameters": narrowed, "effect-observed": narrowed, "shape-observed": narrowed,
	"operations-in-order": narrowed, "operations-recorded": narrowed, "history-complete": "there is a build file (S11a)",
	"process-covered": "the stages of the plan", "process-legality-computed": "no ethics approval: nothing is put into the body",
	"no-nonconformity":   "figures of the alignment and the like are judged by limits of their own",
	"machine-fit":        "the server does not hold a socket against the machine: PROD answers for it",
	"machine-capability": "the server does not hold a socket against the machine: PROD answers for it",
}

// TestSharedRules: what the plan of the implant and that of the socket call by the
// same id is the same rule: expression, gate, clause, floor, waiver and both texts.
func TestSharedRules(t *testing.T) {
	implant, socket := rulesById(t, "implant"), rulesById(t, "socket")
	shared := 0
	for _, id := range slices.Sorted(maps.Keys(implant)) {
		there, both := socket[id]
		if !both {
			continue
		}
		shared++
		same, reason := bytes.Equal(implant[id], there), otherwise[id]
		t.Run(id, func(t *testing.T) {
			switch {
			case !same && reason == "":
				t.Errorf("the plans differ:\nimplant %s\nsocket  %s", implant[id], there)
			case same && reason != "":
				t.Errorf("the plans agree, but are said to differ since %q", reason)
			}
		})
	}
	if shared < 250 {
		t.Errorf("%d rules are shared, want the 250 and more of the general process", shared)
	}
	for id := range otherwise {
		if implant[id] == nil || socket[id] == nil {
			t.Errorf("%s is not in both plans any more", id)
		}
	}
}

// rulesById are the conditions and signatures of a plan as canonical JSON, by id.
func rulesById(t *testing.T, plan string) map[string][]byte {
	t.Helper()
	var p struct {
		Action []struct {
			ID        string
			Extension []struct {
				URL       string
				Extension []map[string]any
			}
			Condition []map[string]any
		}
	}
	body, err := os.ReadFile(plan + "/plandefinition-" + plan + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &p); err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	note := func(id string, rule any) {
		canonical, err := json.Marshal(rule) // keys of a map come out in order
		if err != nil || all[id] != nil {
			t.Fatalf("%s is there twice, or cannot be written: %v", id, err)
		}
		all[id] = canonical
	}
	for _, a := range p.Action {
		for _, c := range a.Condition {
			note(c["expression"].(map[string]any)["name"].(string), c)
		}
		for _, e := range a.Extension {
			if e.URL == "urn:tenon:extension:signature" {
				note("signature "+e.Extension[0]["valueCode"].(string), e.Extension)
			}
		}
	}
	return all
}
