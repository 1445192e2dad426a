package rest

import "tenon/fhir/terminology"

// subsumes is https://hl7.org/fhir/R4/codesystem-operation-subsumes.html: how
// code A stands to code B.
//
//	GET  /CodeSystem/$subsumes?system=…&codeA=…&codeB=…
//	POST /CodeSystem/$subsumes                            Parameters with codingA, codingB
//	GET  /CodeSystem/{id}/$subsumes?codeA=…&codeB=…
func (d *Door) subsumes(c *call) error {
	in, err := c.operationInput("", "codeA", "codeB", "system", "version", "codingA", "codingB")
	if err != nil {
		return err
	}
	a, b := in.pair("A"), in.pair("B")
	if c.Param("id") != "" {
		n, err := c.defined("CodeSystem")
		if err != nil {
			return err
		}
		url, version := n.Field("url").Str(), n.Field("version").Str()
		if a.System != "" && a.System != url || b.System != "" && b.System != url {
			return badParameter("system", "that of the CodeSystem "+url)
		}
		a.System, a.Version, b.System, b.Version = url, version, url, version
	}
	switch {
	case a.Code == "" || b.Code == "":
		return lacks("codeA and codeB with system, or codingA and codingB", "codeA、codeB（及 system）或 codingA、codingB")
	case a.System != b.System:
		return badParameter("system", "the same of both codes")
	case a.Version != b.Version && a.Version != "" && b.Version != "":
		return badParameter("version", "the same of both codes")
	}
	version := a.Version
	if version == "" {
		version = b.Version
	}
	outcome, err := d.o.Definitions().Terminology.Subsumes(a.System, version, a.Code, b.Code)
	if err != nil {
		return err
	}
	return c.parameters([]parameter{{name: "outcome", typ: "Code", value: outcome}})
}

// pair is one of the two codes: "A" or "B".
func (in *asked) pair(which string) terminology.Coding {
	if in.has("coding" + which) {
		return coding(in.node("coding" + which))
	}
	return terminology.Coding{System: in.text("system"), Version: in.text("version"), Code: in.text("code" + which)}
}
