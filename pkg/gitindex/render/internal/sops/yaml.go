package sops

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

var errUnread = errors.New("it can't be read in the format that it is encrypted in")

// readYAML returns the documents of a file. Comments go where SOPS puts them,
// since they are part of the file that Flux makes of it.
func readYAML(data []byte) ([]mapping, error) {
	var documents []mapping
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, errUnread
		}
		m, err := yamlDocument(&node)
		if err != nil {
			return nil, err
		}
		documents = append(documents, m)
	}
}

func yamlDocument(node *yaml.Node) (mapping, error) {
	m := commented(nil, node.HeadComment)
	m = commented(m, node.LineComment)
	for _, content := range node.Content {
		switch {
		case content.Kind == yaml.MappingNode:
			below, err := yamlMapping(content, false)
			if err != nil {
				return nil, err
			}
			m = append(m, below...)
		case content.Kind == yaml.ScalarNode && content.ShortTag() == "!!null":
			m = commented(m, content.HeadComment)
			m = commented(m, content.LineComment)
		default:
			return nil, errUnread
		}
	}
	return commented(m, node.FootComment), nil
}

func yamlMapping(node *yaml.Node, handled bool) (mapping, error) {
	m := mapping{}
	if !handled {
		m = commented(m, node.HeadComment)
		m = commented(m, node.LineComment)
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		m = commented(m, key.HeadComment)
		m = commented(m, key.LineComment)
		scalar := value.Kind == yaml.ScalarNode
		if scalar {
			m = commented(m, value.HeadComment)
			m = append(m, fieldsOf(comments(value.LineComment, true))...)
		}
		var name any
		if err := key.Decode(&name); err != nil {
			return nil, errUnread
		}
		decoded, err := yamlValue(value, scalar)
		if err != nil {
			return nil, err
		}
		m = append(m, field{name, decoded})
		if scalar {
			m = commented(m, value.FootComment)
		}
		m = commented(m, key.FootComment)
	}
	if !handled {
		m = commented(m, node.FootComment)
	}
	return m, nil
}

func yamlValue(node *yaml.Node, handled bool) (any, error) {
	switch node.Kind {
	case yaml.MappingNode:
		return yamlMapping(node, handled)
	case yaml.SequenceNode:
		return yamlList(node, handled)
	case yaml.ScalarNode:
		var value any
		if err := node.Decode(&value); err != nil {
			return nil, errUnread
		}
		return value, nil
	}
	return nil, errUnread // an alias: SOPS writes none
}

func yamlList(node *yaml.Node, handled bool) (any, error) {
	list := []any{}
	add := func(text string, inline bool) {
		for _, c := range comments(text, inline) {
			list = append(list, c)
		}
	}
	if !handled {
		add(node.HeadComment, false)
		add(node.LineComment, false)
	}
	for _, item := range node.Content {
		add(item.HeadComment, false)
		add(item.LineComment, true)
		value, err := yamlValue(item, true)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
		add(item.FootComment, false)
	}
	if !handled {
		add(node.FootComment, false)
	}
	return list, nil
}

// comments are the lines of a comment, without their sign.
func comments(text string, inline bool) []comment {
	var all []comment
	for line := range strings.SplitSeq(text, "\n") {
		if line != "" {
			all = append(all, comment{line[1:], inline})
		}
	}
	return all
}

func fieldsOf(all []comment) mapping {
	var m mapping
	for _, c := range all {
		m = append(m, field{key: c})
	}
	return m
}

func commented(m mapping, text string) mapping { return append(m, fieldsOf(comments(text, false))...) }

// yamlIndent is what SOPS indents by where nobody says otherwise.
const yamlIndent = 4

func writeYAML(documents []mapping) ([]byte, error) {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(yamlIndent)
	for _, document := range documents {
		root := &yaml.Node{Kind: yaml.MappingNode}
		if err := fillMapping(root, document); err != nil {
			return nil, err
		}
		if err := encoder.Encode(&yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{root}}); err != nil {
			return nil, errUnread
		}
	}
	if err := encoder.Close(); err != nil {
		return nil, errUnread
	}
	return b.Bytes(), nil
}

// pending are comments that wait for the node they stand at.
type pending struct {
	head, line []string
	begun      bool
}

func (p *pending) add(c comment) {
	if c.inline {
		p.line = append(p.line, c.text)
	} else {
		p.head = append(p.head, c.text)
	}
}

// begin gives the comments before the first member to the node around it.
func (p *pending) begin(parent *yaml.Node) {
	if !p.begun {
		addComment(&parent.HeadComment, &p.head)
		p.begun = true
	}
}

// end leaves what is left at the foot of the last node.
func (p *pending) end(parent, last *yaml.Node) {
	rest := append(p.head, p.line...)
	if !p.begun {
		addComment(&parent.HeadComment, &rest)
		return
	}
	addComment(&last.FootComment, &rest)
}

func addComment(at *string, lines *[]string) {
	if len(*lines) == 0 {
		return
	}
	text := "#" + strings.Join(*lines, "\n#")
	if *at != "" {
		text += "\n" + *at
	}
	*at, *lines = text, nil
}

func fillMapping(node *yaml.Node, m mapping) error {
	var p pending
	var last *yaml.Node
	for _, f := range m {
		if c, ok := f.key.(comment); ok {
			p.add(c)
			continue
		}
		p.begin(node)
		key, err := yamlNode(f.key)
		if err != nil {
			return err
		}
		addComment(&key.HeadComment, &p.head)
		value, err := yamlNode(f.value)
		if err != nil {
			return err
		}
		addComment(&value.LineComment, &p.line)
		node.Content = append(node.Content, key, value)
		last = key
	}
	p.end(node, last)
	return nil
}

func fillList(node *yaml.Node, list []any) error {
	var p pending
	var last *yaml.Node
	for _, item := range list {
		if c, ok := item.(comment); ok {
			p.add(c)
			continue
		}
		p.begin(node)
		value, err := yamlNode(item)
		if err != nil {
			return err
		}
		addComment(&value.HeadComment, &p.head)
		addComment(&value.LineComment, &p.line)
		node.Content = append(node.Content, value)
		last = value
	}
	p.end(node, last)
	return nil
}

func yamlNode(value any) (*yaml.Node, error) {
	switch v := value.(type) {
	case mapping:
		node := &yaml.Node{Kind: yaml.MappingNode}
		return node, fillMapping(node, v)
	case []any:
		node := &yaml.Node{Kind: yaml.SequenceNode}
		return node, fillList(node, v)
	}
	node := &yaml.Node{}
	if err := node.Encode(value); err != nil {
		return nil, errUnread
	}
	return node, nil
}
