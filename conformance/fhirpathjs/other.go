package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// engine is the process that runs evaluate.mjs.
type engine struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	sent    int // expressions that it knows
	version string
}

func start(modules string) (*engine, error) {
	modules, err := filepath.Abs(modules)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(modules, "node_modules", "fhirpath", "package.json"))
	if err != nil {
		return nil, err
	}
	var about struct {
		Version string `json:"version"`
	}
	if err := json.Unmarshal(data, &about); err != nil {
		return nil, err
	}
	cmd := exec.Command("node", "conformance/fhirpathjs/evaluate.mjs")
	cmd.Env = append(os.Environ(), "TENON_FHIRPATH_JS="+modules)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &engine{cmd: cmd, in: in, out: bufio.NewReaderSize(out, 1<<20), version: about.Version}, cmd.Start()
}

// evaluate gives one result a check: a list, or an object with an error.
func (e *engine) evaluate(file string, all []*expression, checks []check) ([]json.RawMessage, error) {
	if e.sent < len(all) {
		if err := e.send(map[string]any{"expressions": all[e.sent:]}); err != nil {
			return nil, err
		}
		e.sent = len(all)
	}
	if err := e.send(map[string]any{"file": file, "checks": checks}); err != nil {
		return nil, err
	}
	line, err := e.out.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("the other engine: %w", err)
	}
	var answer struct {
		Results []json.RawMessage `json:"results"`
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		return nil, err
	}
	if len(answer.Results) != len(checks) {
		return nil, fmt.Errorf("%d results for %d checks", len(answer.Results), len(checks))
	}
	return answer.Results, nil
}

func (e *engine) send(message any) error {
	data, err := json.Marshal(message)
	if err != nil {
		return err
	}
	_, err = e.in.Write(append(data, '\n'))
	return err
}

func (e *engine) stop() error {
	_ = e.in.Close()
	return e.cmd.Wait()
}
