package casewalk

// What can be wrong with the documents of S01 to S06, one fault at a time.

var consentDefects = []Defect{
	{Name: "not verified", Spoil: func(o Obj) { at(o, "verification").(Arr)[0].(Obj)["verified"] = false }, Clause: []string{"R001-037"}},
	{Name: "not active", Spoil: set("status", "proposed"), Clause: []string{"R001-036"}},
	{Name: "examination not covered", Spoil: unpurposed("examination"), Clause: []string{"R001-036"}},
	{Name: "device making not covered", Spoil: unpurposed("custom-device-treatment"), Clause: []string{"R001-037"}},
	{Name: "nobody consented", Spoil: set("performer", nil), Clause: []string{"R001-037"}},
}

var examinationDefects = []Defect{
	{Name: "before the consent", Clause: []string{"R001-036"}, Spoil: set("authoredOn", "2020-01-01T08:00:00Z")},
	{Name: "after the images", Clause: []string{"R001-036"}, Spoil: set("authoredOn", "2090-01-01T08:00:00Z")},
	{Name: "another method", Clause: []string{"R001-039"}, Spoil: set("code", Obj{"coding": Arr{Obj{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "MR"}}})},
	{Name: "no limits", Clause: []string{"R001-097"}, Spoil: unextended("protocol")},
	{Name: "no site", Clause: []string{"R001-096"}, Spoil: set("bodySite", nil)},
}

func unpurposed(code string) func(Obj) {
	return func(o Obj) {
		kept := Arr{}
		for _, p := range list(o, "provision", "purpose") {
			if str(p, "code") != code {
				kept = append(kept, p)
			}
		}
		at(o, "provision").(Obj)["purpose"] = kept
	}
}

var checklistDefects = []Defect{
	{Name: "one item unanswered", AtDoor: true, Clause: []string{"R001-046"}, Spoil: func(o Obj) { o["item"] = o["item"].(Arr)[:4] }},
	{Name: "one item denied", Clause: []string{"R001-046"}, Spoil: func(o Obj) {
		at(o, "item").(Arr)[2].(Obj)["answer"] = Arr{Obj{"valueBoolean": false}}
	}},
	{Name: "in progress", Clause: []string{"R001-046"}, Spoil: set("status", "in-progress")},
}

var replyDefects = []Defect{
	{Name: "rejected", Clause: []string{"R001-047"}, Spoil: set("topic", coded("reply", "rejected"))},
	{Name: "without a result", Clause: []string{"R001-047"}, Spoil: set("topic", nil)},
	{Name: "says nothing", Clause: []string{"R001-047"}, Spoil: set("payload", nil)},
}

var riskDefects = []Defect{
	{Name: "no prediction", Clause: []string{"R001-066"}, Spoil: set("prediction", nil)},
}

var planDefects = []Defect{
	{Name: "draft", Clause: []string{"R001-050"}, Spoil: set("status", "draft")},
	{Name: "no goal", Clause: []string{"R001-052"}, Spoil: set("goal", nil)},
	{Name: "no condition", Clause: []string{"R001-051"}, Spoil: set("addresses", nil)},
	{Name: "no examination", Clause: []string{"R001-051"}, Spoil: set("supportingInfo", nil)},
	{Name: "not by the attending doctor", Personal: true, Clause: []string{"R001-050"}, Spoil: set("author", ref("PractitionerRole/clin-zhao"))},
}

var ethicsDefects = []Defect{
	{Name: "expired", Clause: []string{"R001-038"}, Spoil: set("context", Obj{"period": Obj{"start": "2020-01-01", "end": "2021-01-01"}})},
	{Name: "no end", Clause: []string{"R001-038"}, Spoil: set("context", nil)},
}

// orderDefects are the blocks a) to f) of the order (5.2.2), and what it hangs on.
func orderDefects() []Defect {
	all := []Defect{
		{Name: "draft", Clause: []string{"R001-059"}, Spoil: set("status", "draft")},
		{Name: "a proposal", Clause: []string{"R001-059"}, Spoil: set("intent", "proposal")},
		{Name: "by another clinician", Personal: true, Clause: []string{"R001-005"}, Spoil: set("requester", ref("PractitionerRole/clin-zhao"))},
		{Name: "to nobody", Clause: []string{"R001-016"}, Spoil: set("performer", nil)},
		{Name: "to the hospital itself", Clause: []string{"R001-016"}, Spoil: set("performer", ref("Organization/hospital"))},
		{Name: "no reason", Rule: "G-ORDER/order-condition", Clause: []string{"R001-064"}, Spoil: set("reasonCode", nil)},
		{Name: "no condition", Spoil: set("reasonReference", nil)},
		{Name: "no plan", Rule: "G-ORDER/order-plan", Clause: []string{"R001-065"}, Spoil: set("basedOn", nil)},
		{Name: "no images", Spoil: set("supportingInfo", nil)},
		{Name: "no need date", Spoil: set("occurrencePeriod", nil)},
		{Name: "no day", Spoil: set("authoredOn", nil)},
		{Name: "no device name", Spoil: set("codeCodeableConcept", Obj{"coding": Arr{Obj{"system": "http://snomed.info/sct", "code": "53350007"}}})},
		{Name: "no domain", Clause: []string{"R001-001"}, Spoil: unextended("device-domain")},
		{Name: "no category", Clause: []string{"R001-003"}, Spoil: unextended("device-category")},
		{Name: "no statement", Rule: "G-ORDER/order-reason", Clause: []string{"R001-003", "R001-085"}, Spoil: unextended("custom-reason-statement")},
		{Name: "no agreement", Clause: []string{"R001-058"}, Spoil: unextended("contract")},
	}
	for _, name := range orderParameters {
		all = append(all, Defect{Name: "no parameter " + name, Spoil: unparameter(name)})
	}
	return all
}

func unparameter(name string) func(Obj) {
	return func(o Obj) {
		kept := Arr{}
		for _, p := range list(o, "parameter") {
			if str(p, "code", "coding", "code") != name {
				kept = append(kept, p)
			}
		}
		o["parameter"] = kept
	}
}
