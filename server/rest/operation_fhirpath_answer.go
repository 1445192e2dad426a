package rest

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/schema"
	"tenon/fhir/tree"
	"tenon/fhir/ucum"
)

// labRun is one evaluation on its way.
type labRun struct {
	*lab
	model  *schema.Model
	expr   *fhirpath.Expr
	ctx    fhirpath.Context
	values int // written so far
	bytes  int
	traced []labPart
	full   error
}

// labPart is a part of Parameters: members by name.
type labPart map[string]any

// run evaluates and makes the Parameters of the answer.
func (in *lab) run(m *schema.Model, now time.Time) (labPart, error) {
	root := fhirpath.Element(in.resource, m.Type(in.resource.Field("resourceType").Str()))
	r := &labRun{lab: in, model: m, ctx: fhirpath.Context{Now: now, Resource: root, RootResource: root, Vars: in.variables, Work: fhirpathWork}}
	r.ctx.Trace = r.trace
	contexts, err := r.contexts(root)
	if err != nil {
		return nil, err
	}
	about, err := r.about(len(contexts) == 1 && in.context == "")
	if err != nil {
		return nil, err
	}
	parameters := []labPart{about}
	for i, focus := range contexts {
		result, err := r.result(i, focus)
		if err != nil {
			return nil, err
		}
		parameters = append(parameters, result)
	}
	return labPart{"resourceType": "Parameters", "id": "fhirpath", "parameter": parameters}, nil
}

// env is what both expressions are compiled against.
func (r *labRun) env(root string) *fhirpath.Env {
	vars := map[string]string{}
	for name := range r.variables {
		vars[name] = ""
	}
	return &fhirpath.Env{Model: r.model, Root: root, Vars: vars}
}

// contexts are the items that the expression is evaluated on, one by one.
func (r *labRun) contexts(root fhirpath.Value) (fhirpath.Collection, error) {
	name := r.resource.Field("resourceType").Str()
	if r.context == "" {
		return fhirpath.Collection{root}, nil
	}
	e, err := fhirpath.Compile(r.context, r.env(name))
	if err != nil {
		return nil, err
	}
	items, err := e.EvalValues(&r.ctx, root)
	if err == nil && len(items) > fhirpathContexts {
		err = tooManyValues("The context gives %d items; %d are possible.", len(items), fhirpathContexts)
	}
	r.traced = nil
	return items, err
}

func tooManyValues(format string, args ...any) error {
	return issue.Errorf(issue.TooCostly, format, args...).WithStatus(400).Rule("fhirpath-limit").Chinese("表达式的结果过多，请缩小范围。")
}

// about compiles the expression and makes the part parameters.
func (r *labRun) about(whole bool) (labPart, error) {
	root := ""
	if whole {
		root = r.resource.Field("resourceType").Str()
	}
	var err error
	if r.expr, err = fhirpath.Compile(r.expression, r.env(root)); err != nil {
		return nil, err
	}
	parts := []labPart{{"name": "evaluator", "valueString": r.evaluator}}
	if types := r.expr.Types(); len(types) > 0 {
		parts = append(parts, labPart{"name": "expectedReturnType", "valueString": strings.Join(types, " | ")})
	}
	if syntax, err := fhirpath.Parse(r.expression); err == nil {
		if text, err := json.Marshal(syntax); err == nil {
			parts = append(parts, labPart{"name": "parseDebugTree", "valueString": string(text)})
		}
	}
	if r.validate {
		strict := r.env(root)
		strict.Strict = true
		text := "The expression fits the definitions of FHIR R4."
		if _, err := fhirpath.Compile(r.expression, strict); err != nil {
			text = err.Error()
		}
		parts = append(parts, labPart{"name": "parseDebug", "valueString": text})
	}
	parts = append(parts, labPart{"name": "expression", "valueString": r.expression})
	if r.context != "" {
		parts = append(parts, labPart{"name": "context", "valueString": r.context})
	}
	if strings.Contains(string(r.given), `"resource"`) || strings.Contains(string(r.given), `"extension"`) {
		parts = append(parts, labPart{"name": "resource"}.with(r.given))
	}
	if len(r.listed) > 0 {
		parts = append(parts, labPart{"name": "variables", "part": r.listed})
	}
	return labPart{"name": "parameters", "part": parts}, nil
}

// with takes over the members of a parameter as it came.
func (p labPart) with(raw json.RawMessage) labPart {
	members := map[string]json.RawMessage{}
	if json.Unmarshal(raw, &members) == nil {
		for name, value := range members {
			p[name] = value
		}
	}
	return p
}

// result evaluates on one item of the context.
func (r *labRun) result(i int, focus fhirpath.Value) (labPart, error) {
	r.traced = nil
	values, err := r.expr.EvalValues(&r.ctx, focus)
	if err == nil {
		err = r.full
	}
	if err != nil {
		return nil, err
	}
	result := labPart{"name": "result"}
	if r.context != "" {
		where := r.expr.Path(focus)
		if where == "" {
			where = r.context + "[" + strconv.Itoa(i) + "]"
		}
		result["valueString"] = where
	}
	parts, err := r.parts(values)
	if err != nil {
		return nil, err
	}
	if parts = append(parts, r.traced...); len(parts) > 0 {
		result["part"] = parts
	}
	return result, nil
}

// trace keeps what trace() met; the expression cannot be stopped from here, so
// the limit is told afterwards.
func (r *labRun) trace(name string, items fhirpath.Collection) {
	if r.full != nil {
		return
	}
	parts, err := r.parts(items)
	if err != nil {
		r.full = err
		return
	}
	traced := labPart{"name": "trace", "valueString": name}
	if len(parts) > 0 {
		traced["part"] = parts
	}
	r.traced = append(r.traced, traced)
}

func (r *labRun) parts(values fhirpath.Collection) ([]labPart, error) {
	parts := []labPart{}
	for _, v := range values {
		n, _ := v.Node()
		r.values++
		r.bytes += len(n.Raw()) + len(v.Twin().Raw()) + 64
		if r.values > fhirpathValues || r.bytes > fhirpathBytes {
			return nil, tooManyValues("The expression gives more than %d values or %d MiB.", fhirpathValues, fhirpathBytes>>20)
		}
		p := r.typed(v)
		if path := r.expr.Path(v); path != "" {
			p.extend(labPath, path)
		}
		parts = append(parts, p)
	}
	return parts, nil
}

// extend adds an extension.
func (p labPart) extend(url, text string) {
	list, _ := p["extension"].([]labPart)
	p["extension"] = append(list, labPart{"url": url, "valueString": text})
}

// typed writes a value under the name of its type.
func (r *labRun) typed(v fhirpath.Value) labPart {
	if n, ok := v.Node(); ok {
		return r.element(v, n)
	}
	name := strings.TrimPrefix(v.Type(), "System.")
	text := v.Str()
	switch name {
	case "Boolean", "Integer", "Decimal":
		return labPart{"name": strings.ToLower(name), "value" + name: json.RawMessage(text)}
	case "Quantity":
		return labPart{"name": name, "valueQuantity": labQuantity(v)}
	case "TypeInfo":
		p := labPart{"name": name}
		namespace, plain, _ := strings.Cut(text, ".")
		data, _ := json.Marshal(map[string]string{"namespace": namespace, "name": plain})
		p.extend(labJSON, string(data))
		return p
	case "String":
		if text == "" {
			return labPart{"name": "empty-string"}
		}
		return labPart{"name": "string", "valueString": text}
	}
	name = strings.ToLower(name[:1]) + name[1:]
	if kind := r.model.Type(name); kind != nil && completeTime(name, text) {
		return labPart{"name": name, "value" + strings.ToUpper(name[:1]) + name[1:]: text}
	}
	return labPart{"name": name, "valueString": text} // 2026-01-01T10 is no dateTime of FHIR
}

// completeTime tells whether a time is written out as FHIR wants it.
func completeTime(name, text string) bool {
	if name == "time" {
		return len(text) >= len("10:00:00")
	}
	_, clock, timed := strings.Cut(text, "T")
	return !timed || len(clock) > len("10:00:00") && strings.ContainsAny(clock, "Z+-")
}

func labQuantity(v fhirpath.Value) labPart {
	value, unit, _ := v.Amount()
	q := labPart{"value": json.RawMessage(value), "unit": unit}
	if ucum.Valid(unit) {
		q["system"], q["code"] = "http://unitsofmeasure.org", unit
	}
	return q
}

// element writes an element as it stands in the resource: under value[x] where
// Parameters know its type, else as JSON in an extension.
func (r *labRun) element(v fhirpath.Value, n tree.Node) labPart {
	name := strings.TrimPrefix(v.Type(), "FHIR.")
	p := labPart{"name": name}
	if t := v.Schema(); t != nil {
		if t.Kind == schema.Resource {
			p["resource"] = json.RawMessage(n.Raw())
			return p
		}
		for _, choice := range r.model.Type("Parameters.parameter").Choice("value").Types {
			if choice.Type != t {
				continue
			}
			if n.Exists() {
				p[choice.JSONName] = json.RawMessage(n.Raw())
			}
			if v.Twin().Exists() {
				p["_"+choice.JSONName] = json.RawMessage(v.Twin().Raw())
			}
			return p
		}
	}
	p.extend(labJSON, string(n.Raw()))
	return p
}
