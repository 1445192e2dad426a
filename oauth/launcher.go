package oauth

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"tenon/fhir/issue"
)

// launcher is the page on which a person opens an app for a patient, and a case.
func (s *Server) launcher(w http.ResponseWriter, r *http.Request) {
	x, who := s.visitor(w, r, pending{})
	if x == nil {
		return
	}
	ctx, q := r.Context(), r.URL.Query()
	apps, err := s.store.Clients(ctx, s.Tenant)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	data := map[string]any{"Guard": s.accountGuard(x), "Principal": x.Principal, "Apps": launchable(apps), "Find": q.Get("find"), "Patient": ""}
	var targets []string
	for _, c := range launchable(apps) {
		targets = append(targets, c.Launch)
	}
	if s.Chart == nil {
		s.page(w, http.StatusOK, "launcher", data, targets...)
		return
	}
	if id := q.Get("patient"); id != "" {
		ok, err := s.Chart.Reaches(ctx, who, "Patient", id)
		if err == nil && ok {
			data["Patient"] = id
			data["Cases"], err = s.Chart.Cases(ctx, who, id)
		}
		if err != nil {
			s.broken(w, r, err)
			return
		}
	}
	if data["Patient"] == "" {
		if data["Patients"], err = s.Chart.Patients(ctx, who, q.Get("find")); err != nil {
			s.broken(w, r, err)
			return
		}
	}
	s.page(w, http.StatusOK, "launcher", data, targets...)
}

// launchChosen opens the app that was chosen.
func (s *Server) launchChosen(w http.ResponseWriter, r *http.Request) {
	x, who := s.mine(w, r)
	if x == nil {
		return
	}
	b := &launchBody{Client: r.PostForm.Get("app"), Patient: r.PostForm.Get("patient")}
	if root := r.PostForm.Get("case"); root != "" {
		if ok, err := s.reaches(r.Context(), who, "Task/"+root); err != nil {
			s.broken(w, r, err)
			return
		} else if !ok {
			s.wrong(w, r, "There is no such case.", "病例不存在或不可见。")
			return
		}
		b.Context, _ = json.Marshal([]map[string]string{{"reference": "Task/" + root}})
	}
	address, err := s.judgeLaunch(r.Context(), who, b)
	if err == nil {
		var token string
		if token, err = s.keepLaunch(r.Context(), b); err == nil {
			err = s.Audit(r.Context(), Event{Operation: "launch", Principal: who.Principal, Patient: b.Patient, Client: b.Client, Outcome: http.StatusOK})
			address = s.launchAddress(address, token)
		}
	}
	if f := (*issue.Failure)(nil); errors.As(err, &f) {
		s.wrong(w, r, f.Issues[0].Text, f.Issues[0].Chinese)
		return
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, address.String(), http.StatusSeeOther)
}

// launchAddress is where the app is opened.
func (s *Server) launchAddress(address *url.URL, token string) *url.URL {
	q := address.Query()
	q.Set("iss", s.Base)
	q.Set("launch", token)
	address.RawQuery = q.Encode()
	return address
}
