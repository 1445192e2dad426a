package dicom_test

import (
	"encoding/xml"
	"strings"
	"testing"

	"tenon/dicomweb/dicom"
)

func TestXML(t *testing.T) {
	const head = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/NativeDICOM" xml:space="preserve">`
	for object, want := range map[string]string{
		`{}`: ``,
		`{"00200013":{"vr":"IS","Value":[3]},"00080008":{"vr":"CS","Value":["A<",null,"B"]}}`: `<DicomAttribute tag="00080008" vr="CS" keyword="ImageType"><Value number="1">A&lt;</Value><Value number="2"></Value><Value number="3">B</Value></DicomAttribute>` +
			`<DicomAttribute tag="00200013" vr="IS" keyword="InstanceNumber"><Value number="1">3</Value></DicomAttribute>`,
		`{"00100010":{"vr":"PN","Value":[{"Alphabetic":"Wang^Xiao^^Dr.","Ideographic":"王^小"}]}}`: `<DicomAttribute tag="00100010" vr="PN" keyword="PatientName"><PersonName number="1">` +
			`<Alphabetic><FamilyName>Wang</FamilyName><GivenName>Xiao</GivenName><NamePrefix>Dr.</NamePrefix></Alphabetic>` +
			`<Ideographic><FamilyName>王</FamilyName><GivenName>小</GivenName></Ideographic></PersonName></DicomAttribute>`,
		`{"00081140":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2"]}},{}]}}`: `<DicomAttribute tag="00081140" vr="SQ" keyword="ReferencedImageSequence"><Item number="1">` +
			`<DicomAttribute tag="00081155" vr="UI" keyword="ReferencedSOPInstanceUID"><Value number="1">1.2</Value></DicomAttribute></Item><Item number="2"></Item></DicomAttribute>`,
		`{"7FE00010":{"vr":"OW","BulkDataURI":"http://x/?a&b"}}`: `<DicomAttribute tag="7FE00010" vr="OW" keyword="PixelData"><BulkData uri="http://x/?a&amp;b"/></DicomAttribute>`,
		`{"00091002":{"vr":"OB","InlineBinary":"AQI="},"00090010":{"vr":"LO","Value":["MAKER"]}}`: `<DicomAttribute tag="00090010" vr="LO"><Value number="1">MAKER</Value></DicomAttribute>` +
			`<DicomAttribute tag="00090002" vr="OB" privateCreator="MAKER"><InlineBinary>AQI=</InlineBinary></DicomAttribute>`,
		`{"00080080":{"vr":"LO"}}`: `<DicomAttribute tag="00080080" vr="LO" keyword="InstitutionName"></DicomAttribute>`,
	} {
		got, err := dicom.AppendXML(nil, []byte(object))
		if err != nil || string(got) != head+want+"</NativeDicomModel>" {
			t.Errorf("AppendXML(%s) = %s, %v\nwant %s", object, got, err, head+want)
		}
	}
	for _, object := range []string{``, `[]`, `{"x":{}}`, `{"00100010":null}`, `{"00100010":{"vr":"PN","Value":["x"]}}`,
		strings.Repeat(`{"00081140":{"vr":"SQ","Value":[`, 100) + `{}` + strings.Repeat(`]}}`, 100)} {
		if got, err := dicom.AppendXML(nil, []byte(object)); err == nil {
			t.Errorf("AppendXML(%.40s) = %.80s, want an error", object, got)
		}
	}
}

// FuzzXML: what JSON can be written is well-formed XML.
func FuzzXML(f *testing.F) {
	f.Add([]byte(`{"00100010":{"vr":"PN","Value":[{"Alphabetic":"A^B"}]},"00081140":{"vr":"SQ","Value":[{}]}}`))
	f.Add([]byte(`{"00091002":{"vr":"\u0001<","InlineBinary":"]]>"},"00090010":{"vr":"LO","Value":["\"&"]}}`))
	f.Fuzz(func(t *testing.T, object []byte) {
		out, err := dicom.AppendXML(nil, object)
		if err != nil {
			return
		}
		var model struct{ XMLName xml.Name }
		if err := xml.Unmarshal(out, &model); err != nil || model.XMLName.Local != "NativeDicomModel" {
			t.Errorf("AppendXML(%q) = %q: %v", object, out, err)
		}
	})
}
