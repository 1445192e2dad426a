package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
	"tenon/fhir/validate"
	"tenon/profiles/r4"
	"tenon/server/casework"
)

// planCommand works on plans: the PlanDefinitions that cases run on.
type planCommand struct {
	Check planCheck `cmd:"" help:"Prove that a plan is well formed: reachable stages, no cycle, known roles, documents and predicates, texts in both languages, floors kept."`
}

// planCheck judges files without a server. Exit code 1: a fault was found; 2:
// wrong use.
type planCheck struct {
	Files []string `arg:"" help:"PlanDefinitions in JSON." type:"existingfile"`
	Lang  string   `help:"Language of the text: en or zh." enum:"en,zh" default:"en"`
}

// Run judges every file, whatever the others are.
func (p *planCheck) Run(out io.Writer) error {
	engine := casework.NewEngine()
	bad := 0
	for _, name := range p.Files {
		body, err := os.ReadFile(name)
		if err != nil {
			return coded{err, exitUsage}
		}
		faults := planFaults(engine, body)
		if len(faults) == 0 {
			if _, err := fmt.Fprintf(out, "%s: a sound plan\n", name); err != nil {
				return err
			}
			continue
		}
		bad++
		for _, f := range faults {
			text := f.Text
			if p.Lang == "zh" && f.Chinese != "" {
				text = f.Chinese
			}
			if _, err := fmt.Fprintf(out, "%s: %s: %s (%s)\n", name, f.Path, text, f.Rule); err != nil {
				return err
			}
		}
	}
	if bad > 0 {
		return coded{fmt.Errorf("plan check: %d of %d plans have faults", bad, len(p.Files)), exitFault}
	}
	return nil
}

// planFaults judges the resource by its type, then as a plan.
func planFaults(engine *casework.Engine, body []byte) []issue.Issue {
	doc, err := tree.Parse(bytes.TrimSpace(body))
	if f := issue.As(err); f != nil {
		return f.Issues
	}
	if err != nil {
		return []issue.Issue{{Path: "PlanDefinition", Text: err.Error(), Rule: "plan"}}
	}
	if doc.Root().Field("resourceType").Str() == "PlanDefinition" {
		shape, err := validate.New(r4.Model()).Plan("PlanDefinition")
		if err != nil {
			return []issue.Issue{{Path: "PlanDefinition", Text: err.Error(), Rule: "plan"}}
		}
		if issues := shape.Validate(doc.Root(), nil); validate.HasErrors(issues) {
			return issues
		}
	}
	return engine.CheckPlan(doc.Root())
}
