/* A certificate for a test. Usage: FILE */
#include "server/certificate.h"

int main(int argc, char **argv)
{
    if (argc != 2) {
        return 2;
    }
    certificate_write(argv[1]);
    return 0;
}
