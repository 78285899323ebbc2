/// The level of the x86-64 psABI that processor and system support, 1 to 4; 0 on other processors.
int processor_level(void);
