package record_test

import (
	"testing"
	"time"

	"tenon/fhir/tree"
	"tenon/profiles/r4"
	"tenon/server/record"
)

// FuzzPatched: whatever the patch, there is an error or sound JSON.
func FuzzPatched(f *testing.F) {
	op := func(parts string) string {
		return `{"resourceType":"Parameters","parameter":[{"name":"operation","part":[` + parts + `]}]}`
	}
	for _, s := range [][2]string{
		{record.JSONPatch, `[{"op":"add","path":"/name/-","value":{"text":"x"}},{"op":"move","from":"/name/0","path":"/name/1"},{"op":"test","path":"/active","value":true}]`},
		{record.MergePatch, `{"name":null,"contact":[{"gender":"male"}],"meta":{"tag":[]}}`},
		{record.PathPatch, op(`{"name":"type","valueCode":"add"},{"name":"path","valueString":"Patient.birthDate"},{"name":"name","valueString":"extension"},{"name":"value","part":[{"name":"url","valueUri":"u"},{"name":"value","valueString":"y"}]}`)},
		{record.PathPatch, op(`{"name":"type","valueCode":"insert"},{"name":"path","valueString":"Patient.name.given"},{"name":"index","valueInteger":1},{"name":"value","valueString":"B","_valueString":{"id":"b"}}`)},
		{record.PathPatch, op(`{"name":"type","valueCode":"delete"},{"name":"path","valueString":"Patient.birthDate.extension[0]"}`)},
		{record.PathPatch, op(`{"name":"type","valueCode":"move"},{"name":"path","valueString":"Patient.name"},{"name":"source","valueInteger":1},{"name":"destination","valueInteger":0}`)},
		{record.PathPatch, op(`{"name":"type","valueCode":"replace"},{"name":"path","valueString":"Patient.deceased"},{"name":"value","valueDateTime":"2020"}`)},
	} {
		f.Add(s[0], s[1])
	}
	resource := []byte(`{"resourceType":"Patient","active":true,"deceasedBoolean":true,"_birthDate":{"extension":[{"url":"u"}]},"name":[{"given":["A",null],"_given":[null,{"id":"c"}]},{"text":"t"}],"contained":[{"resourceType":"Device","id":"d"}]}`)
	f.Fuzz(func(t *testing.T, format, patch string) {
		got, err := record.Patched(r4.Model(), format, time.Time{}, resource, []byte(patch))
		if err != nil {
			return
		}
		if _, err := tree.Parse(got); err != nil {
			t.Errorf("Patched(%s, %s) = %s: %v", format, patch, got, err)
		}
	})
}
