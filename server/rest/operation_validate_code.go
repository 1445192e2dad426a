package rest

import (
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
)

// validateCode is https://hl7.org/fhir/R4/codesystem-operation-validate-code.html
// and https://hl7.org/fhir/R4/valueset-operation-validate-code.html: whether a
// code is one of a code system or value set. What can't be judged here is an
// error, not false.
//
//	GET  /CodeSystem/$validate-code?url=…&code=…
//	GET  /ValueSet/$validate-code?url=…&system=…&code=…
//	POST /ValueSet/$validate-code                        Parameters with valueSet, coding or codeableConcept
//	GET  /ValueSet/{id}/$validate-code?system=…&code=…
func (d *Door) validateSystemCode(c *call) error {
	in, err := c.operationInput("", "url", "codeSystem", "code", "version", "display", "coding", "codeableConcept", "abstract", "displayLanguage")
	if err != nil {
		return err
	}
	codings, concept, err := in.codings("version")
	if err != nil {
		return err
	}
	terms := d.o.Definitions().Terminology
	url := in.text("url")
	switch {
	case in.has("codeSystem"):
		n := in.node("codeSystem")
		if n.Field("resourceType").Str() != "CodeSystem" {
			return badParameter("codeSystem", "a CodeSystem resource")
		}
		url = n.Field("url").Str()
		if terms, err = terms.WithSystem(n); err != nil {
			return err
		}
	case c.Param("id") != "":
		n, err := c.defined("CodeSystem")
		if err != nil {
			return err
		}
		url = n.Field("url").Str()
		for i := range codings {
			if codings[i].Version == "" {
				codings[i].Version = n.Field("version").Str()
			}
		}
	}
	for i := range codings {
		switch {
		case codings[i].System == "":
			codings[i].System = url
		case url != "" && codings[i].System != url && !concept:
			return badParameter("coding", "of the code system "+clip(url))
		}
	}
	o, err := in.codeOptions(c)
	if err != nil {
		return err
	}
	return c.judged(terms, nil, ofSystem(codings, url), o)
}

// ofSystem are the codings of one system, all where none is named.
func ofSystem(codings []terminology.Coding, url string) (list []terminology.Coding) {
	for _, c := range codings {
		if url == "" || c.System == url {
			list = append(list, c)
		}
	}
	return list
}

// validateSetCode is the operation on ValueSet.
func (d *Door) validateSetCode(c *call) error {
	in, err := c.operationInput("", "url", "valueSet", "valueSetVersion", "code", "system", "systemVersion", "display", "coding", "codeableConcept", "abstract", "displayLanguage")
	if err != nil {
		return err
	}
	codings, _, err := in.codings("systemVersion")
	if err != nil {
		return err
	}
	terms := d.o.Definitions().Terminology
	set, _, err := c.valueSet(in, terms, terminology.Versions{})
	if err != nil {
		return err
	}
	o, err := in.codeOptions(c)
	if err != nil {
		return err
	}
	return c.judged(terms, set, codings, o)
}

func (in *asked) codeOptions(c *call) (*terminology.CodeOptions, error) {
	abstract, err := in.flag("abstract")
	return &terminology.CodeOptions{Language: c.language(in), Abstract: abstract}, err
}

// valueSet is the one that is asked about: sent along or stored, with the
// resource that defines it, or by its URL.
func (c *call) valueSet(in *asked, terms *terminology.Server, versions terminology.Versions) (*terminology.ValueSet, tree.Node, error) {
	url := in.text("url")
	switch {
	case in.has("valueSet"):
		n := in.node("valueSet")
		if n.Field("resourceType").Str() != "ValueSet" {
			return nil, n, badParameter("valueSet", "a ValueSet resource")
		}
		return terms.CompileWith(n, versions), n, nil
	case c.Param("id") != "":
		n, err := c.defined("ValueSet")
		if err != nil {
			return nil, n, err
		}
		return terms.CompileWith(n, versions), n, nil
	case url == "":
		return nil, tree.Node{}, lacks("a value set: url, valueSet, or one by its id", "值集：url、valueSet 或资源 id")
	}
	if v := in.text("valueSetVersion"); v != "" {
		url += "|" + v
	}
	set := terms.ValueSetWith(url, versions)
	if set == nil {
		return nil, tree.Node{}, issue.Errorf(issue.NotFound, "There is no value set %s here.", clip(url)).At("url").Rule("valueset-unknown").Chinese("此处没有该值集。")
	}
	return set, tree.Node{}, nil
}

// judged answers with the verdict on the best of some codings: by a value set,
// or by their code systems alone.
func (c *call) judged(terms *terminology.Server, set *terminology.ValueSet, codings []terminology.Coding, o *terminology.CodeOptions) error {
	if len(codings) == 0 {
		return c.parameters([]parameter{{name: "result", typ: "Boolean", value: false}, {name: "message", typ: "String", value: "No coding is of the code system."}})
	}
	ask := func(code terminology.Coding) terminology.Answer { return terms.ValidateCode("", code, o) }
	if set != nil {
		ask = func(code terminology.Coding) terminology.Answer { return set.ValidateCode(code, o) }
	}
	a, _ := terminology.Best(codings, ask)
	if a.Verdict == terminology.Unknown && a.Problem != terminology.NoSystem {
		return issue.Errorf(issue.NotFound, "The code can't be judged: %s.", a.Text).Rule("code-unjudged").Chinese("无法校验该代码：" + a.Chinese + "。")
	}
	right := a.Verdict == terminology.Member && (a.Problem == terminology.NoProblem || a.Problem == terminology.Inactive || a.Problem == terminology.Abstract && o.Abstract)
	list := []parameter{{name: "result", typ: "Boolean", value: right}}
	message := a.Text
	if strings.HasPrefix(o.Language, "zh") && a.Chinese != "" {
		message = a.Chinese
	}
	return c.parameters(text(text(list, "message", "String", message), "display", "String", a.Display))
}
