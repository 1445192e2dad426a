package xml_test

import (
	"bytes"
	stdxml "encoding/xml"
	"errors"
	"io"
	"testing"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/fhir/xml"
	"tenon/profiles/r4"
)

// What comes in as XML is refused with an issue, or it is XML for encoding/xml
// too and becomes JSON that the tree takes, that can be written as XML, and that
// comes back the same.
func FuzzToJSON(f *testing.F) {
	for _, s := range []string{
		wrap(`<active id="a" value="true"><extension url="u"><valueDecimal value="1.00"/></extension></active><name><given value="a"/><given><extension url="u"/></given></name>`),
		wrap(div + "<p title='&#13;'>a\r\n<![CDATA[<]]><!-- b --><?c?>&#160;</p></div></text>"),
		`<f:Bundle xmlns:f="http://hl7.org/fhir" xmlns:h="http://www.w3.org/1999/xhtml"><f:entry><f:resource><f:Patient><f:text><h:div>x</h:div></f:text></f:Patient></f:resource></f:entry></f:Bundle>`,
		`<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE a [<!ENTITY b "c">]><Patient xmlns="http://hl7.org/fhir"/>`,
		"\xEF\xBB\xBF" + `<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="&#x1F600;"/><valueString value="&lt;'"/></parameter></Parameters>`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		lim := xml.Limits{Bytes: 1 << 16, Nodes: 5000}
		out, err := xml.ToJSON(src, r4.Model(), lim)
		if err != nil {
			if fail := issue.As(err); fail == nil || len(fail.Issues) != 1 || fail.Issues[0].Text == "" {
				t.Fatalf("ToJSON = %v, want a failure", err)
			}
			return
		}
		for oracle := stdxml.NewDecoder(bytes.NewReader(src)); ; {
			if _, err := oracle.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%q is taken, encoding/xml says %v", src, err)
			}
		}
		d, err := tree.Parse(out)
		if err != nil {
			t.Fatalf("%v in %s of %s", err, out, src)
		}
		again, err := xml.Append(nil, d.Root(), r4.Model())
		if err != nil {
			t.Fatalf("Append(%s) = %v", out, err)
		}
		back, err := xml.ToJSON(again, r4.Model(), xml.Limits{})
		if err != nil || !bytes.Equal(back, out) {
			t.Fatalf("%s comes back as %s, %v", out, back, err)
		}
	})
}

// What is written is XML that reads as the same resource.
func FuzzAppend(f *testing.F) {
	for _, s := range []string{
		`{"resourceType":"Patient","active":true,"_active":{"id":"a"},"name":[{"given":["a",null],"_given":[null,{"extension":[{"url":"u"}]}]}]}`,
		`{"resourceType":"Patient","text":{"status":"generated","div":"<div>a&nbsp;<b title='\r'>]]></b>\r\n<![CDATA[x]]><!-- y --></div>"}}`,
		`{"resourceType":"Observation","valueQuantity":{"value":1.00},"contained":[{"resourceType":"Device"}]}`,
		`{"resourceType":"Patient","text":{"div":"<h:div xmlns:h='http://www.w3.org/1999/xhtml'><h:p/></h:div>"},"language":"\u0001"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		var d tree.Doc
		if d.Parse(src, tree.Limits{Bytes: 1 << 16, Nodes: 5000}) != nil {
			return
		}
		out, err := xml.Append(nil, d.Root(), r4.Model())
		if err != nil {
			if fail := issue.As(err); fail == nil || len(fail.Issues) != 1 {
				t.Fatalf("Append = %v, want a failure", err)
			}
			return
		}
		back, err := xml.ToJSON(out, r4.Model(), xml.Limits{Depth: 200})
		if err != nil {
			t.Fatalf("ToJSON(%s) = %v", out, err)
		}
		if again := reordered(t, back); !bytes.Equal(again, out) {
			t.Fatalf("%s is written again as %s", out, again)
		}
	})
}

func reordered(t *testing.T, src []byte) []byte {
	var d tree.Doc
	if err := d.Parse(src, tree.Limits{Depth: 400}); err != nil {
		t.Fatalf("%v in %s", err, src)
	}
	out, err := xml.Append(nil, d.Root(), r4.Model())
	if err != nil {
		t.Fatalf("Append(%s) = %v", src, err)
	}
	return out
}
