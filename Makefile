# Every verb is `python make.py VERB`; this file only lets you type less.
#   make test PYTHON=python3.12      another Python
#   make grade CH=ch03               a chapter's exercises
#   make test ARGS="-k gamma"        arguments for pytest

PYTHON ?= python3
export CH NAME ARGS

VERBS := book test slow check lab grade figures notebooks bench kill-matrix new-chapter clean help

.DEFAULT_GOAL := help
.PHONY: $(VERBS)

$(VERBS):
	@"$(PYTHON)" make.py $@
