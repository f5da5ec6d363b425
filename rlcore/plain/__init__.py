"""The learners one run at a time, as the textbook boxes have them: to read, and to test the fast ones against."""
