package fragment

import "bytes"

// eachLine reads a .jsonl file: one update a line, blank lines between them as you please.
func (p *parser) eachLine(text []byte) *Error {
	p.rest = text
	for len(p.rest) > 0 {
		at := len(p.src) - len(p.rest)
		line, rest, _ := bytes.Cut(p.rest, []byte("\n"))
		p.rest = rest
		if spaces(line) == len(line) {
			continue
		}
		p.outer.open(line, at, p.limit, strict)
		if err := p.element(1); err != nil {
			return err
		}
		if err := p.trailing(); err != nil {
			return err
		}
	}
	if p.count == 0 {
		return p.unfinished("the file holds no update yet")
	}
	return nil
}

// more reports whether anything but white space follows the line that is being read.
func (p *parser) more() bool { return p.lines && spaces(p.rest) < len(p.rest) }
