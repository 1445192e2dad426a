package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"tenon/conformance/suite"
)

type conformanceCommand struct {
	URL      string        `help:"Base address of the server: http://host/fhir." env:"TENON_CONFORMANCE_URL"`
	Token    string        `help:"Access token, sent as Authorization: Bearer." env:"TENON_CONFORMANCE_TOKEN"`
	Only     string        `name:"run" help:"Only the cases whose id matches this regular expression."`
	Format   string        `help:"Form of the report: text, tsv, json or junit." default:"text" enum:"text,tsv,json,junit"`
	List     bool          `help:"List the cases and ask no server."`
	Parallel int           `help:"Cases at a time." default:"8"`
	Timeout  time.Duration `help:"Time for one case." default:"30s"`
}

// Run asks a server for what FHIR R4 demands; exit code 1 when a case failed.
func (c *conformanceCommand) Run(ctx context.Context, out io.Writer) error {
	match, err := regexp.Compile(c.Only)
	if err != nil {
		return coded{fmt.Errorf("run: %w", err), exitUsage}
	}
	if c.List {
		return listCases(out, match)
	}
	if c.URL == "" {
		return coded{errors.New("url: the address of a server is needed"), exitUsage}
	}
	if c.Parallel < 1 || c.Parallel > 100 || c.Timeout <= 0 {
		return coded{errors.New("parallel is 1 to 100, timeout more than nothing"), exitUsage}
	}
	results, err := suite.Run(ctx, suite.Options{URL: c.URL, Token: c.Token, Match: match, Parallel: c.Parallel, Timeout: c.Timeout})
	if err != nil {
		return err
	}
	if err := suite.Write(out, c.Format, results); err != nil {
		return err
	}
	if suite.Failures(results) {
		return fmt.Errorf("conformance: %s", suite.Sum(results))
	}
	return nil
}

// listCases writes id, level, clause and title of the cases.
func listCases(out io.Writer, match *regexp.Regexp) error {
	cases, err := suite.Cases()
	if err != nil {
		return err
	}
	for _, c := range cases {
		if !match.MatchString(c.ID) {
			continue
		}
		if _, err := fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", c.ID, c.Level, c.Clause, c.Title); err != nil {
			return err
		}
	}
	return nil
}
