/* Reads lists of records, one record "name a b" a line, a list ended by a line "-". Prints for each
 * list the cells that its last record touched. */
#include <stdio.h>
#include <string.h>

#define MOST 4096

void begin(void);
void take(const char *name, int a, int b);

static unsigned char cells[MOST];
static unsigned char spare;
static int touched[MOST];
static int count;

unsigned char *at(int cell)
{
    if (count < MOST)
        touched[count++] = cell;
    return cell >= 0 && cell < MOST ? &cells[cell] : &spare;
}

void put(int cell, int value)
{
    *at(cell) = (unsigned char)value;
}

int main(void)
{
    char line[200], name[100];
    int a, b;
    begin();
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "%99s %d %d", name, &a, &b) == 3) {
            count = 0;
            take(name, a, b);
        } else {
            for (int i = 0; i < count; i++)
                printf("%d ", touched[i]);
            printf("\n");
            count = 0;
            begin();
        }
    }
    return 0;
}
