package doctor

import "fmt"

// Level is how much a finding matters.
type Level string

// The levels. An Error loses updates; see the documentation of the package.
const (
	OK      Level = "ok"
	Note    Level = "note"
	Warning Level = "warning"
	Error   Level = "error"
)

// Finding is what one check has shown.
type Finding struct {
	Place   string `json:"place"` // drop, tasks, recovery, agent, machine or configuration
	Check   string `json:"check"` // a constant name: "hard links"
	Level   Level  `json:"level"`
	Message string `json:"message"`
	Remedy  string `json:"remedy,omitempty"` // what a person can do; "" where there is nothing to do
}

// Report is all that was found.
type Report struct {
	User         string    `json:"user"` // for whom this holds
	System       string    `json:"system"`
	Drop         string    `json:"drop"`
	Tasks        string    `json:"tasks"`
	Recovery     string    `json:"recovery"`
	LosesUpdates bool      `json:"losesUpdates"` // there is an Error
	Findings     []Finding `json:"findings"`
}

// Count tells how many findings have a level.
func (r Report) Count(level Level) (n int) {
	for _, f := range r.Findings {
		if f.Level == level {
			n++
		}
	}
	return n
}

// place adds the findings of one place to a report.
type place struct {
	report *Report
	name   string
}

func (p place) find(check string, level Level, remedy, format string, args ...any) {
	p.report.Findings = append(p.report.Findings, Finding{p.name, check, level, fmt.Sprintf(format, args...), remedy})
	p.report.LosesUpdates = p.report.LosesUpdates || level == Error
}

func (p place) ok(check, format string, args ...any) { p.find(check, OK, "", format, args...) }
