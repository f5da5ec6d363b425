"""The chapters: text, exercises, solutions, wrong answers and the tests that tell them apart."""
