package casework

import "time"

// ExceptionReport tells where the Task of an exception stands.
type ExceptionReport struct {
	Code, Task, Status string
	Unsigned           []string // roles whose signature over its current version is missing
}

// ControlReport tells what became of a control of a job at the MES.
type ControlReport struct {
	Action, Number, Task, Job string
	State                     string // sent, late, refused, stopped, finished, cancelled, resumed
	AnswerBy                  time.Time
}

// exceptionReports are the exceptions of the case, oldest first.
func (v *view) exceptionReports() []ExceptionReport {
	var all []ExceptionReport
	for _, x := range v.exceptions {
		r := ExceptionReport{Code: x.code, Task: x.task.Ref(), Status: x.status()}
		if rule := v.plan.Exceptions.Rule(x.code); rule != nil && x.open() {
			for _, role := range rule.Signs {
				if v.signedBy(x.task, rule.Purpose, role) == nil {
					r.Unsigned = append(r.Unsigned, string(role))
				}
			}
		}
		all = append(all, r)
	}
	return all
}

// controlReports are the controls of jobs, oldest first.
func (v *view) controlReports() []ControlReport {
	var all []ControlReport
	for _, c := range v.controls {
		action := controlOf(c.Root)
		if action == "acknowledged" {
			continue
		}
		r := ControlReport{Action: action, Number: numberOf(c.Root), Task: c.Ref(), Job: referenceOf(c.Root.Field("partOf").First()), State: v.controlState(c)}
		_, r.AnswerBy, _ = span(c.Root.Path("restriction", "period", "end").Str())
		all = append(all, r)
	}
	return all
}

func (r ExceptionReport) parts() []parameterOut {
	p := []parameterOut{{Name: "code", ValueCode: r.Code}, {Name: "task", ValueReference: to(r.Task)}, {Name: "status", ValueCode: r.Status}}
	for _, role := range r.Unsigned {
		p = append(p, parameterOut{Name: "unsigned", ValueCode: role})
	}
	return p
}

func (r ControlReport) parts() []parameterOut {
	p := []parameterOut{
		{Name: "action", ValueCode: r.Action}, {Name: "number", ValueString: r.Number}, {Name: "task", ValueReference: to(r.Task)},
		{Name: "job", ValueReference: to(r.Job)}, {Name: "state", ValueCode: r.State},
	}
	if !r.AnswerBy.IsZero() {
		p = append(p, parameterOut{Name: "answer-by", ValueInstant: instant(r.AnswerBy)})
	}
	return p
}
