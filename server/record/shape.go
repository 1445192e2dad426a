package record

import (
	"tenon/fhir/issue"
	"tenon/fhir/validate"
)

// Policy says what becomes of a resource that breaks a rule.
type Policy string

// The policies; the zero Policy is Refuse. What is no sound resource of its
// type is refused under either.
const (
	Refuse Policy = "refuse"
	Warn   Policy = "warn"
)

// Validation is what a deployment asks of what is written.
type Validation struct {
	// Profiles are canonical URLs by resource type that resources must follow,
	// besides those of their meta.profile.
	Profiles map[string][]string
	// Policy is for all types, ByType for those in it.
	Policy Policy
	ByType map[string]Policy
}

func (v *Validation) of(typ string) Policy {
	if p, ok := v.ByType[typ]; ok {
		return p
	}
	return v.Policy
}

// shape judges a resource by its type, its profiles and those that the
// configuration names. The warnings of what is taken are told to the caller.
func (p *preparation) shape(w *write) ([]issue.Issue, error) {
	plan, err := p.rev.Validator.Plan(w.typ)
	if err != nil {
		return nil, err
	}
	issues := plan.Validate(w.root, p.options(w.typ))
	if !validate.HasErrors(issues) {
		return told(issues), nil
	}
	if p.r.o.Validation.of(w.typ) == Warn {
		sound, err := p.r.sound(w)
		if err != nil {
			return nil, err
		}
		if sound {
			return told(softened(issues)), nil
		}
	}
	return nil, issue.New(refusals(issues)...).WithStatus(422)
}

// sound tells whether the resource is well formed by its type alone: no policy
// lets in what the server itself could not read.
func (r *Recorder) sound(w *write) (bool, error) {
	plan, err := r.shapes.Plan(w.typ)
	if err != nil {
		return false, err
	}
	return !validate.HasErrors(plan.Validate(w.root, nil)), nil
}

// mostTold bounds the warnings that are kept of one write.
const mostTold = 20

// told are the warnings; notes are for $validate.
func told(issues []issue.Issue) (out []issue.Issue) {
	for _, is := range issues {
		if is.Severity == issue.Warning && len(out) < mostTold {
			out = append(out, is)
		}
	}
	return out
}

// refusals are the errors, and then the warnings: who mends the one wants to
// know of the other.
func refusals(issues []issue.Issue) []issue.Issue {
	errors, rest := make([]issue.Issue, 0, len(issues)), []issue.Issue(nil)
	for _, is := range issues {
		if validate.HasErrors([]issue.Issue{is}) {
			errors = append(errors, is)
		} else if is.Severity == issue.Warning {
			rest = append(rest, is)
		}
	}
	return append(errors, rest...)
}

// softened are the issues with errors turned into warnings.
func softened(issues []issue.Issue) []issue.Issue {
	for i := range issues {
		if validate.HasErrors(issues[i : i+1]) {
			issues[i].Severity = issue.Warning
		}
	}
	return issues
}

// options are those of a write. A text that is none of a code's is worth a
// warning: displays in the language of the house are no fault of the data.
func (p *preparation) options(typ string) *validate.Options {
	p.targets.left = mostResolved
	return &validate.Options{
		Profiles: p.r.o.Validation.Profiles[typ], Now: p.at, Resolve: p.targets.find, ExampleURLs: true,
		WrongDisplay: issue.Warning, ExtensionDomains: own,
	}
}

// own are the beginnings of the URLs of the extensions that the process of a
// case uses; README of profiles/implant lists them.
var own = []string{"urn:tenon:extension:"}
