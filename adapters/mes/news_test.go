package mes_test

import (
	"strings"
	"testing"

	"tenon/adapters/mes"
	"tenon/fhir/issue"
	"tenon/server/record"
)

const operation = `{"id":"M-1","jobOrder":"Task/j","event":"operation","at":"2026-11-22T08:00:00Z","operator":"op 7",
 "operation":{"code":"print","start":"2026-11-21T08:00:00Z","end":"2026-11-22T08:00:00Z","result":"done","machine":"SN-1",
 "parameters":[{"code":"layer-thickness","value":0.030,"unit":"mm"}]}}`

const answer = `{"id":"M-9","jobOrder":"Task/j","event":"acknowledged","at":"2026-11-22T08:00:00Z","answer":{"control":"j/1","outcome":"stopped","detail":"layer 211 of 900"}}`

func TestParseNews(t *testing.T) {
	tests := []struct{ name, body, path string }{
		{"a whole operation", operation, ""},
		{"started needs nothing more", `{"id":"M-1","jobOrder":"Task/j","event":"started","at":"2026-11-22T08:00:00Z"}`, ""},
		{"a member that is not known", strings.Replace(operation, `"operator"`, `"operatr"`, 1), "?"},
		{"a key twice", strings.Replace(operation, `"id":"M-1"`, `"id":"M-1","id":"M-2"`, 1), "?"},
		{"no number", strings.Replace(operation, `"id":"M-1",`, ``, 1), "id"},
		{"a number too long", strings.Replace(operation, `M-1`, strings.Repeat("x", 129), 1), "id"},
		{"no job", strings.Replace(operation, `"jobOrder":"Task/j",`, ``, 1), "jobOrder"},
		{"no time", strings.Replace(operation, `"at":"2026-11-22T08:00:00Z",`, ``, 1), "at"},
		{"an event that is not known", strings.Replace(operation, `"event":"operation"`, `"event":"exploded"`, 1), "event"},
		{"an event without its part", strings.Replace(operation, `"event":"operation"`, `"event":"released"`, 1), "event"},
		{"an operation that is not known", strings.Replace(operation, `"code":"print"`, `"code":"pray"`, 1), "operation.code"},
		{"it ends before it starts", strings.Replace(operation, `"end":"2026-11-22`, `"end":"2026-11-20`, 1), "operation.end"},
		{"no result", strings.Replace(operation, `"result":"done"`, `"result":"maybe"`, 1), "operation.result"},
		{"a device without a unique code", `{"id":"M","jobOrder":"Task/j","event":"released","at":"2026-11-22T08:00:00Z","device":{"name":"n","lot":"L","manufactured":"2026-11-22"}}`, "device"},
		{"an inspection without verdict", `{"id":"M","jobOrder":"Task/j","event":"inspected","at":"2026-11-22T08:00:00Z","inspection":{"characteristic":"c","value":1,"unit":"mm","verdict":"nice"}}`, "inspection"},
		{"an answer", answer, ""},
		{"an answer without the number of the control", strings.Replace(answer, `"control":"j/1",`, ``, 1), "answer"},
		{"an answer that is none", strings.Replace(answer, `stopped`, `perhaps`, 1), "answer"},
		{"no answer", `{"id":"M","jobOrder":"Task/j","event":"acknowledged","at":"2026-11-22T08:00:00Z"}`, "event"},
		{"no object", `[]`, "?"},
		{"cut off", operation[:80], "?"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := mes.ParseNews([]byte(tt.body))
			f := issue.As(err)
			switch {
			case tt.path == "" && err != nil:
				t.Errorf("ParseNews = %v, want it taken", err)
			case tt.path != "" && f == nil:
				t.Errorf("ParseNews = %v, want a refusal", err)
			case tt.path != "" && tt.path != "?" && f.Issues[0].Path != tt.path:
				t.Errorf("ParseNews refuses at %q, want %q", f.Issues[0].Path, tt.path)
			}
		})
	}
}

func TestDraft(t *testing.T) {
	job := &record.Version{Type: "Task", ID: "j", Version: 4, Body: []byte(`{"resourceType":"Task","id":"j","partOf":[{"reference":"Task/root"}],"for":{"reference":"Patient/p"}}`)}
	draft := func(body string) *record.Draft {
		n, err := mes.ParseNews([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		d, err := mes.Draft(n, job, "Maker Co.", []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	t.Run("R001-157 an operation keeps parameters as they were sent", func(t *testing.T) {
		d := draft(operation)
		body := string(d.Ops[0].Body)
		for _, part := range []string{`"value":0.030`, `"code":"layer-thickness"`, `"reference":"Task/j"`, `"code":"print"`, `"reference":"Patient/p"`} {
			if !strings.Contains(body, part) {
				t.Errorf("the Task lacks %s: %s", part, body)
			}
		}
		if len(d.Keys) != 1 || d.Keys[0].Key != "M-1" {
			t.Errorf("keys = %v, want the number of the message", d.Keys)
		}
	})
	t.Run("R001-135 an answer names its control and what came of it", func(t *testing.T) {
		d := draft(answer)
		for _, part := range []string{`{"system":"urn:tenon:job-control","value":"j/1"}`, `"code":"acknowledged"`, `"code":"stopped"`, `"reference":"Task/j"`, "layer 211"} {
			if !strings.Contains(string(d.Ops[0].Body), part) {
				t.Errorf("the answer lacks %s: %s", part, d.Ops[0].Body)
			}
		}
		if d.Keys[0].Key != "M-9" {
			t.Errorf("key = %q, want the number of the message", d.Keys[0].Key)
		}
	})
	t.Run("R001-170 a released device is the patient's and an output of production", func(t *testing.T) {
		d := draft(`{"id":"M-2","jobOrder":"Task/j","event":"released","at":"2026-11-22T08:00:00Z","device":{"name":"plate","lot":"L1","code":"C1","manufactured":"2026-11-22"}}`)
		if len(d.Ops) != 2 || d.Ops[1].Method != "PATCH" || d.Ops[1].IfMatch != "4" || !strings.Contains(string(d.Ops[1].Body), d.Ops[0].FullURL) {
			t.Fatalf("ops = %+v, want a Device and a patch of the Task that names it", d.Ops)
		}
		for _, part := range []string{`"manufacturer":"Maker Co."`, `"lotNumber":"L1"`, `"distinctIdentifier":"C1"`, `"reference":"Patient/p"`} {
			if !strings.Contains(string(d.Ops[0].Body), part) {
				t.Errorf("the Device lacks %s: %s", part, d.Ops[0].Body)
			}
		}
	})
}

func FuzzParseNews(f *testing.F) {
	f.Add([]byte(operation))
	f.Add([]byte(`{"id":"M","jobOrder":"Task/j","event":"started","at":"2026-11-22T08:00:00Z"}`))
	f.Add([]byte(answer))
	f.Add([]byte(`{"id":1e999}`))
	job := &record.Version{Type: "Task", ID: "j", Version: 1, Body: []byte(`{"resourceType":"Task","id":"j"}`)}
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := mes.ParseNews(body)
		if err != nil {
			return
		}
		if _, err := mes.Draft(n, job, "m", body); err != nil {
			t.Errorf("Draft of accepted news: %v", err)
		}
	})
}
