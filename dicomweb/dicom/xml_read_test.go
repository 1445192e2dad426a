package dicom_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"tenon/dicomweb/dicom"
)

// TestParseXML: what is written as XML reads back as the same, and XML as others
// write it is understood.
func TestParseXML(t *testing.T) {
	t.Parallel()
	for _, object := range []string{
		`{}`, `{"00200013":{"vr":"IS","Value":[3]},"00080008":{"vr":"CS","Value":["A<",null,"B"]}}`,
		`{"00100010":{"vr":"PN","Value":[{"Alphabetic":"Wang^Xiao^^Dr.","Ideographic":"王^小"}]}}`,
		`{"00081140":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2"]}},{}]}}`,
		`{"7FE00010":{"vr":"OW","BulkDataURI":"http://x/?a&b"}}`, `{"00080080":{"vr":"LO"}}`, `{"00281050":{"vr":"DS","Value":[40.5,-1]}}`,
		`{"00091002":{"vr":"OB","InlineBinary":"AQI="},"00090010":{"vr":"LO","Value":["MAKER"]}}`,
		`{"00091102":{"vr":"LO","Value":["1"]},"00090010":{"vr":"LO","Value":["OTHER"]},"00090011":{"vr":"LO","Value":["MAKER"]}}`,
	} {
		text, err := dicom.AppendXML(nil, []byte(object))
		if err != nil {
			t.Fatal(err)
		}
		got, err := dicom.ParseXML(bytes.NewReader(text))
		if err != nil || !sameModel(t, got, []byte(object)) {
			t.Errorf("ParseXML(%s) = %s, %v\nwant %s", text, got, err, object)
		}
	}
	for document, want := range map[string]string{
		` <?xml version="1.0"?><!-- x --><NativeDicomModel><DicomAttribute tag="00080008" vr="CS"><Value number="3">C</Value></DicomAttribute></NativeDicomModel> `:                                      `{"00080008":{"vr":"CS","Value":[null,null,"C"]}}`,
		`<NativeDicomModel><DicomAttribute tag="00090002" vr="LO" privateCreator="MAKER"><Value number="1">x</Value></DicomAttribute></NativeDicomModel>`:                                                `{"00090010":{"vr":"LO","Value":["MAKER"]},"00091002":{"vr":"LO","Value":["x"]}}`,
		"<NativeDicomModel><DicomAttribute tag=\"00420011\" vr=\"OB\"><InlineBinary> AQ\n I= </InlineBinary></DicomAttribute></NativeDicomModel>":                                                        `{"00420011":{"vr":"OB","InlineBinary":"AQI="}}`,
		`<n:NativeDicomModel xmlns:n="http://dicom.nema.org/PS3.19/models/NativeDICOM"><n:DicomAttribute tag="00200013" vr="IS"><n:Value number="1">x</n:Value></n:DicomAttribute></n:NativeDicomModel>`: `{"00200013":{"vr":"IS","Value":["x"]}}`,
	} {
		if got, err := dicom.ParseXML(strings.NewReader(document)); err != nil || !sameModel(t, got, []byte(want)) {
			t.Errorf("ParseXML(%s) = %s, %v\nwant %s", document, got, err, want)
		}
	}
}

func sameModel(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(clean(x), clean(y))
}

// clean drops members that say nothing.
func clean(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, x := range v {
			if x == "" || x == nil && name == "Value" {
				delete(v, name)
			} else {
				v[name] = clean(x)
			}
		}
	case []any:
		for i := range v {
			v[i] = clean(v[i])
		}
	}
	return v
}

// TestParseXMLRefuses: what is no Native DICOM Model is refused by its place.
func TestParseXMLRefuses(t *testing.T) {
	t.Parallel()
	const open, end = `<NativeDicomModel><DicomAttribute tag="00080008" vr="CS">`, `</DicomAttribute></NativeDicomModel>`
	for _, document := range []string{
		``, `<x/>`, `<NativeDicomModel>`, open + `<Value number="1">x</Value>`, `<NativeDicomModel xmlns="urn:x"></NativeDicomModel>`, `<NativeDicomModel>x</NativeDicomModel>`,
		`<!DOCTYPE x [<!ENTITY a "b">]><NativeDicomModel/>`, `<NativeDicomModel/><NativeDicomModel/>`, open + `<Value number="1">&a;</Value>` + end,
		open + `<Value>x</Value>` + end, open + `<Value number="0">x</Value>` + end, open + `<Value number="2">x</Value><Value number="1">x</Value>` + end, open + `<Value number="99999999">x</Value>` + end,
		open + `<Value number="1"><b/></Value>` + end, open + `<Item number="1"></Item>` + end, open + `<PersonName number="1"/>` + end, open + `<BulkData uuid="x"/>` + end, open + `<Other/>` + end,
		`<NativeDicomModel><DicomAttribute tag="xx" vr="CS"/></NativeDicomModel>`, `<NativeDicomModel><DicomAttribute tag="00080008" vr="CS"/><DicomAttribute tag="00080008" vr="CS"/></NativeDicomModel>`,
		`<NativeDicomModel>` + strings.Repeat(`<DicomAttribute tag="00081140" vr="SQ"><Item number="1">`, 100) + strings.Repeat(`</Item></DicomAttribute>`, 100) + `</NativeDicomModel>`,
	} {
		if got, err := dicom.ParseXML(strings.NewReader(document)); dicom.AsFault(err) == nil {
			t.Errorf("ParseXML(%.120s) = %.80s, %v, want a fault", document, got, err)
		}
	}
}

// FuzzParseXML: nothing panics, what is read is valid JSON and writes as XML again.
func FuzzParseXML(f *testing.F) {
	f.Add([]byte(`<NativeDicomModel><DicomAttribute tag="00100010" vr="PN"><PersonName number="1"><Alphabetic><FamilyName>A</FamilyName></Alphabetic></PersonName></DicomAttribute></NativeDicomModel>`))
	f.Add([]byte(`<NativeDicomModel><DicomAttribute tag="00090002" vr="SQ" privateCreator="M"><Item number="2"/></DicomAttribute></NativeDicomModel>`))
	f.Fuzz(func(t *testing.T, document []byte) {
		object, err := dicom.ParseXML(bytes.NewReader(document))
		if err != nil {
			if dicom.AsFault(err) == nil && !errors.Is(err, errors.ErrUnsupported) && !strings.Contains(err.Error(), "xml:") {
				t.Fatalf("%v is no fault", err)
			}
			return
		}
		if !json.Valid(object) {
			t.Fatalf("no JSON: %s", object)
		}
		if _, err := dicom.AppendXML(nil, object); err != nil {
			t.Fatalf("%s: %v", object, err)
		}
	})
}
