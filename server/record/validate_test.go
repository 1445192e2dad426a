package record_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tenon/fhir/issue"
	"tenon/fhir/validate"
	"tenon/server/access"
	"tenon/server/record"
)

const (
	profileURL = "http://tenon.test/StructureDefinition/numbered"
	profile    = `{"resourceType":"StructureDefinition","url":"` + profileURL + `","name":"Numbered","status":"active","kind":"resource","abstract":false,` +
		`"type":"Patient","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Patient","derivation":"constraint",` +
		`"differential":{"element":[{"id":"Patient.identifier","path":"Patient.identifier","min":1}]}}`
	numbered   = `{"resourceType":"Patient","meta":{"profile":["` + profileURL + `"]},"identifier":[{"system":"urn:x","value":"1"}]}`
	unnumbered = `{"resourceType":"Patient","meta":{"profile":["` + profileURL + `"]},"active":true}`
	plain      = `{"resourceType":"Patient","active":true}`
)

func rules(issues []issue.Issue) string {
	var out []string
	for _, is := range issues {
		if validate.HasErrors([]issue.Issue{is}) {
			out = append(out, is.Rule)
		}
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " ")
}

func TestPostedProfile(t *testing.T) {
	s := newDefining(t, liteURL(t), record.Validation{})
	if res, f := s.do(clin, post(unnumbered)); f != nil || len(res[0].Warnings) == 0 {
		t.Errorf("a profile that nobody knows: %v, want it taken with a warning", f)
	}
	sd := s.must(operator, post(profile))
	s.must(clin, post(numbered))
	if _, f := s.do(clin, post(unnumbered)); status(f) != 422 || rule(f) != "profile-min" || !strings.HasPrefix(f.Issues[0].Path, "Patient") {
		t.Errorf("without a number: %v, want 422 profile-min", f)
	}
	t.Run("changed, it asks for something else", func(t *testing.T) {
		other := strings.ReplaceAll(profile, "Patient.identifier", "Patient.birthDate")
		s.must(operator, put("StructureDefinition", sd.ID, strings.Replace(other, `"url"`, `"id":"`+sd.ID+`","url"`, 1)))
		if _, f := s.do(clin, post(numbered)); status(f) != 422 {
			t.Errorf("a number and no date: %v, want 422", f)
		}
	})
	t.Run("deleted, it is unknown", func(t *testing.T) {
		s.must(operator, record.Op{Method: "DELETE", Type: "StructureDefinition", ID: sd.ID})
		if res, f := s.do(clin, post(unnumbered)); f != nil || len(res[0].Warnings) == 0 {
			t.Errorf("got %v, want it taken with a warning", f)
		}
	})
}

func TestProfileWithoutSnapshotIsRefused(t *testing.T) {
	s := newDefining(t, liteURL(t), record.Validation{})
	for name, body := range map[string]string{
		"an element that does not exist": strings.ReplaceAll(profile, "Patient.identifier", "Patient.number"),
		"a base that nobody knows":       strings.Replace(profile, "StructureDefinition/Patient", "StructureDefinition/Unknown", 1),
		"wider than its base":            strings.Replace(profile, `"min":1`, `"min":0,"max":"1","type":[{"code":"string"}]`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			before, _ := s.store.Definitions(t.Context())
			if _, f := s.do(operator, post(body)); status(f) != 422 {
				t.Errorf("got %v, want 422", f)
			}
			if after, _ := s.store.Definitions(t.Context()); after != before {
				t.Errorf("the revision went from %d to %d", before, after)
			}
		})
	}
}

// TestProfileAndResourceTogether posts a profile and what follows it in one
// transaction; the definition counts for the rest.
func TestProfileAndResourceTogether(t *testing.T) {
	s := newDefining(t, liteURL(t), record.Validation{})
	bundle := func(patient string) string {
		return fmt.Sprintf(`{"resourceType":"Bundle","type":"transaction","entry":[`+
			`{"resource":%s,"request":{"method":"POST","url":"Patient"}},{"resource":%s,"request":{"method":"POST","url":"StructureDefinition"}}]}`, patient, profile)
	}
	if _, err := s.Transaction(t.Context(), operator, []byte(bundle(unnumbered)), record.Bundled{}); status(issue.As(err)) != 422 {
		t.Errorf("without a number: %v, want 422", err)
	}
	if got := s.found("StructureDefinition", "url="+profileURL); got != "" {
		t.Errorf("the profile was stored all the same: %s", got)
	}
	if _, err := s.Transaction(t.Context(), operator, []byte(bundle(numbered)), record.Bundled{}); err != nil {
		t.Errorf("with a number: %v", err)
	}
}

func TestPolicy(t *testing.T) {
	for name, tt := range map[string]struct {
		v       record.Validation
		body    string
		status  int
		warning string
	}{
		"configured profile":        {record.Validation{Profiles: map[string][]string{"Patient": {profileURL}}}, plain, 422, ""},
		"configured for others":     {record.Validation{Profiles: map[string][]string{"Person": {profileURL}}}, plain, 0, ""},
		"warned of everywhere":      {record.Validation{Policy: record.Warn}, unnumbered, 0, "profile-min"},
		"warned of for the type":    {record.Validation{ByType: map[string]record.Policy{"Patient": record.Warn}}, unnumbered, 0, "profile-min"},
		"refused for the type":      {record.Validation{Policy: record.Warn, ByType: map[string]record.Policy{"Patient": record.Refuse}}, unnumbered, 422, ""},
		"no Patient is never taken": {record.Validation{Policy: record.Warn}, `{"resourceType":"Patient","gender":3}`, 422, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newDefining(t, liteURL(t), tt.v)
			s.must(operator, post(profile))
			res, f := s.do(clin, post(tt.body))
			if status(f) != tt.status {
				t.Fatalf("got %v, want %d", f, tt.status)
			}
			if tt.warning != "" && !slices.ContainsFunc(res[0].Warnings, func(is issue.Issue) bool {
				return is.Rule == tt.warning && is.Severity == issue.Warning
			}) {
				t.Errorf("warnings %v, want %s", res[0].Warnings, tt.warning)
			}
		})
	}
}

// TestReferencesAreJudgedWithinReach has a profile that wants a reference to
// follow another: what the caller cannot read is not looked into.
func TestReferencesAreJudgedWithinReach(t *testing.T) {
	s := newDefining(t, liteURL(t), record.Validation{})
	s.must(operator, post(profile))
	s.must(operator, post(`{"resourceType":"StructureDefinition","url":"http://tenon.test/StructureDefinition/about","name":"About","status":"active",`+
		`"kind":"resource","abstract":false,"type":"Basic","baseDefinition":"http://hl7.org/fhir/StructureDefinition/Basic","derivation":"constraint",`+
		`"differential":{"element":[{"id":"Basic.subject","path":"Basic.subject","min":1,"constraint":[{"key":"num-1","severity":"error",`+
		`"human":"the patient has a number","expression":"resolve().all(identifier.exists())"}]}]}}`))
	mine := s.must(clin, post(plain)).ID
	theirs := s.must(stranger, post(plain)).ID
	basic := func(patient string) string {
		return fmt.Sprintf(`{"resourceType":"Basic","meta":{"profile":["http://tenon.test/StructureDefinition/about"]},"code":{"text":"x"},"subject":{"reference":%q}}`, patient)
	}
	if _, f := s.do(clin, post(basic("Patient/"+mine))); rule(f) != "num-1" {
		t.Errorf("own patient without a number: %v, want num-1", f)
	}
	hidden, f := s.Validate(t.Context(), clin, record.Judgement{Type: "Basic", Body: []byte(basic("Patient/" + theirs))})
	none, g := s.Validate(t.Context(), clin, record.Judgement{Type: "Basic", Body: []byte(basic("Patient/none"))})
	if f != nil || g != nil || rules(hidden) != rules(none) {
		t.Errorf("out of reach %v, absent %v: want the same", rules(hidden), rules(none))
	}
	bundle := `{"resourceType":"Bundle","type":"transaction","entry":[` +
		`{"fullUrl":"urn:uuid:0d8ee5a5-8a1e-4c0b-9d53-6d5a5ac9a001","resource":%s,"request":{"method":"POST","url":"Patient"}},` +
		`{"resource":` + basic("urn:uuid:0d8ee5a5-8a1e-4c0b-9d53-6d5a5ac9a001") + `,"request":{"method":"POST","url":"Basic"}}]}`
	if _, err := s.Transaction(t.Context(), clin, fmt.Appendf(nil, bundle, plain), record.Bundled{}); rule(issue.As(err)) != "num-1" {
		t.Errorf("a patient of the same transaction: %v, want num-1", err)
	}
	if _, err := s.Transaction(t.Context(), clin, fmt.Appendf(nil, bundle, `{"resourceType":"Patient","identifier":[{"value":"1"}]}`), record.Bundled{}); err != nil {
		t.Errorf("a patient with a number in the same transaction: %v", err)
	}
}

func TestValidate(t *testing.T) {
	s := newDefining(t, liteURL(t), record.Validation{})
	s.must(operator, post(profile))
	id := s.must(clin, post(plain)).ID
	withID := strings.Replace(plain, `"active"`, `"id":"`+id+`","active"`, 1)
	for _, tt := range []struct {
		name   string
		who    *access.Context
		j      record.Judgement
		rules  string
		status int
	}{
		{"sound", clin, record.Judgement{Type: "Patient", Body: []byte(plain)}, "", 0},
		{"any type", clin, record.Judgement{Type: "Resource", Body: []byte(plain)}, "", 0},
		{"its own profile", clin, record.Judgement{Type: "Patient", Body: []byte(unnumbered)}, "profile-min", 0},
		{"a profile that is asked for", clin, record.Judgement{Type: "Patient", Body: []byte(plain), Profiles: []string{profileURL}}, "profile-min", 0},
		{"stored, by a profile", clin, record.Judgement{Mode: "profile", Type: "Patient", ID: id, Profiles: []string{profileURL}}, "profile-min", 0},
		{"stored, of another", stranger, record.Judgement{Mode: "profile", Type: "Patient", ID: id}, "", 404},
		{"another type", clin, record.Judgement{Type: "Observation", Body: []byte(plain)}, "", 400},
		{"create that is not allowed", designer, record.Judgement{Mode: "create", Type: "Consent", Body: []byte(`{"resourceType":"Patient"}`)}, "", 400},
		{"create by the designer", designer, record.Judgement{Mode: "create", Type: "Patient", Body: []byte(plain)}, "role-lacks-verb", 0},
		{"update", clin, record.Judgement{Mode: "update", Type: "Patient", ID: id, Body: []byte(withID)}, "", 0},
		{"update under another id", clin, record.Judgement{Mode: "update", Type: "Patient", ID: id, Body: []byte(plain)}, "id-mismatch", 0},
		{"update of nothing", clin, record.Judgement{Mode: "update", Type: "Patient", Body: []byte(plain)}, "", 400},
		{"delete", clin, record.Judgement{Mode: "delete", Type: "Patient", ID: id}, "", 0},
		{"delete that is not there", clin, record.Judgement{Mode: "delete", Type: "Patient", ID: "none"}, "", 404},
		{"nothing", clin, record.Judgement{Type: "Patient"}, "", 400},
		{"no JSON", clin, record.Judgement{Type: "Patient", Body: []byte(`{`)}, "json-end", 0},
		{"nobody", nil, record.Judgement{Type: "Patient", Body: []byte(plain)}, "", 401},
		{"a parameter that does not compile", clin, record.Judgement{Type: "SearchParameter", Body: []byte(strings.Replace(nickname, ".given", ".gven", 1))}, "expression", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := s.Validate(t.Context(), tt.who, tt.j)
			if status(issue.As(err)) != tt.status || err == nil && rules(got) != tt.rules {
				t.Errorf("Validate() = %q, %v, want %q, %d", rules(got), err, tt.rules, tt.status)
			}
		})
	}
}
