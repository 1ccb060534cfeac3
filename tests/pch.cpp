// Two programs that do nothing: they exist for their precompiled headers.
int main() {}
